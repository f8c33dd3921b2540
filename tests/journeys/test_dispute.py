"""A dispute from the photo on a phone to the credit note at the desk and the payment of what stays."""

from __future__ import annotations

import io
import re

import pytest
from PIL import Image, ImageDraw
from sqlalchemy import select

from shared.disputes.models import Dispute
from shared.disputes.rules import Status
from shared.invoices.models import Invoice
from shared.kit.db import reading
from tests.journeys.conftest import sign_in
from tests.journeys.people import card
from tests.support.browser_chromium import DESKTOP, PHONE, Visit

pytestmark = pytest.mark.browser

SECRET = "He complains about everything."


def photo(name: str) -> dict[str, object]:
    """A picture as a phone takes it."""
    picture = Image.new("RGB", (640, 480), "#b08b5e")
    ImageDraw.Draw(picture).line((80, 60, 560, 420), fill="#3a2a18", width=9)
    kept = io.BytesIO()
    picture.save(kept, "JPEG", exif=b"Exif\0\0MM\0*\0\0\0\x08\0\0\0\0\0\0")
    return {"name": name, "mimeType": "image/jpeg", "buffer": kept.getvalue()}


def follow_mail(visit: Visit, family, account, subject: str) -> None:
    """From a mail back to the dispute: link, button, the page itself."""
    mail = family.mail(account.email, subject, within_s=150)
    link = re.search(r"http://\S+/l/\S+", mail["text"])
    assert link, mail["text"]
    visit.go(f"{family.twins.url}/inbox/{mail['id']}")
    visit.page.locator("h1").first.wait_for()
    visit.shot("mail")
    visit.go(link[0])
    visit.press("Open my account")
    visit.page.wait_for_url("**/disputes/*")


def states(family, account) -> tuple[Status, int, int]:
    """The dispute's state; what is open and what is frozen of the account's only invoice."""
    with family.inside(), reading() as session:
        dispute = session.scalars(select(Dispute).where(Dispute.debtor_id == account.id)).one()
        (invoice_id,) = account.invoices.values()
        invoice = session.get_one(Invoice, invoice_id)
        return dispute.status, invoice.open_minor, invoice.frozen_minor


def test_a_scratched_table_is_contested_with_a_photo_credited_in_part_and_the_rest_is_paid(family, visits):
    phone = visits("phone", size=PHONE)
    desk = visits("desk", size=DESKTOP)
    account = family.open_account("Menuiserie Briand", [(-6, "380.00")])
    (number,) = account.invoices

    phone.enter(family.link(account))
    phone.page.locator("main").get_by_role("link", name=number).first.click()
    phone.until(number, "Something is wrong")
    phone.page.locator("main a[href*='/disputes/new']").first.click()
    phone.until("Only a part of the amount", "What happened")
    phone.shot("form")
    assert not phone.page.locator("input[name^=amount-]").is_visible()
    phone.page.get_by_label("Only a part of the amount").check()
    phone.page.locator("input[name^=amount-]").fill("80")
    phone.press("Send")
    phone.until("need your attention")
    phone.shot("form-with-errors")
    assert phone.page.locator("input[name^=amount-]").input_value() == "80"
    phone.page.get_by_label("The goods or services are not as ordered").check()
    phone.page.locator("textarea[name=text]").fill("The top of the table is scratched.\nPlease see the photo.")
    phone.page.locator("input[name=files]").set_input_files(photo("scratch.jpg"))
    phone.press("Send")
    phone.until("Received", "€80.00", "Pay the rest: €300.00", "scratch.jpg")
    phone.shot("raised")
    assert states(family, account) == (Status.OPEN, 38_000, 8_000)
    phone.go(family.url)
    phone.until("Being clarified", "You contested €80.00")
    phone.shot("account")

    sign_in(desk, family)
    desk.go(f"{family.desk}/disputes")
    desk.until("Menuiserie Briand")
    desk.shot("queue")
    desk.page.locator("main tr", has_text="Menuiserie Briand").locator("a").first.click()
    desk.until("The top of the table is scratched.", "scratch.jpg")
    desk.shot("dispute")
    with desk.page.expect_download() as given:
        desk.page.locator("main a", has_text="scratch.jpg").first.click()
    with Image.open(given.value.path()) as kept:
        assert kept.size == (640, 480)
        assert not kept.getexif()
    desk.page.locator("textarea[name=note]").fill(SECRET)
    desk.press("Keep the note")
    desk.until(SECRET)
    desk.page.locator("form[action$='/say'] textarea").fill("We are sorry. Is it a dent, or only the varnish?")
    desk.page.locator("form[action$='/say'] input[type=checkbox]").check()
    desk.press("Send to the debtor")
    desk.until("Waits for the debtor")
    desk.shot("asked")

    follow_mail(phone, family, account, "A question about your dispute")
    phone.until("Your turn", "only the varnish?")
    phone.shot("your-turn")
    assert SECRET not in phone.page.content()
    phone.page.locator("#answer textarea").fill("Only the varnish.")
    phone.press("Send")
    phone.until("Your message is with us", "Being looked into", "Only the varnish.")
    phone.shot("answered")

    desk.page.reload()
    desk.until("Only the varnish.")
    desk.page.goto(desk.page.url.split("#")[0].rstrip("/") + "/accept")
    desk.until("How it is credited")
    desk.page.locator("input[name^=part-]").first.fill("50")
    desk.page.locator("textarea").first.fill("We credit the varnish; the table itself is sound.")
    desk.shot("accept")
    desk.press("Accept the dispute")
    desk.until("Accepted", "€50.00")
    desk.shot("accepted")

    follow_mail(phone, family, account, "Our decision on your dispute")
    phone.until("Accepted in part", "€30.00 stays due", "the table itself is sound", "Pay the rest: €330.00")
    phone.shot("decided")
    assert SECRET not in phone.page.content()
    phone.press("Pay the rest: €330.00")
    phone.until("How would you like to pay?")
    phone.press("Continue")
    phone.page.wait_for_url("**/c/pay/**")
    card(phone.page, "4242 4242 4242 4242")
    phone.page.wait_for_url("**/return*")
    phone.until("Thank you", "€330.00")
    assert states(family, account) == (Status.ACCEPTED, 0, 0)
    phone.go(f"{family.url}/invoices/{account.invoices[number]}")
    told = phone.until("Settled", "Contested", "Your dispute was accepted")
    assert told.index("Contested") < told.index("We asked you") < told.index("Your dispute was accepted")
    phone.shot("story")


def test_a_rejected_dispute_says_why_and_is_opened_again_in_the_dark(family, visits):
    phone = visits("phone", size=PHONE, dark=True, language="fr")
    desk = visits("desk", size=DESKTOP, dark=True)
    account = family.open_account("Librairie Caradec", [(-20, "150.00"), (9, "60.00")], language="fr")

    phone.enter(family.link(account))
    phone.go(f"{family.url}/disputes/new")
    phone.until("Quelque chose ne va pas")
    phone.shot("choose")
    for box in phone.page.locator("input[name=invoice]").all():
        box.check()
    phone.press("Continuer")
    phone.until("La totalité")
    phone.page.get_by_label("Facturé deux fois").check()
    phone.page.locator("textarea[name=text]").fill("Déjà facturé en janvier.")
    phone.shot("form")
    phone.press("Envoyer")
    phone.until("Reçu", "210,00 €")
    phone.shot("raised")
    here = phone.page.url.split("#")[0]
    phone.go(family.url)
    phone.until("Rien à payer pour l’instant")
    phone.shot("account")

    sign_in(desk, family)
    desk.go(f"{family.desk}/disputes/{here.rsplit('/', 1)[1]}/reject")
    desk.page.locator("textarea").first.fill("Facture de mars : une autre livraison.")
    desk.shot("reject")
    desk.press("Reject the dispute")
    desk.until("Rejected")
    desk.shot("rejected")

    phone.go(here)
    phone.until("Refusé", "une autre livraison", "restent dus")
    phone.shot("rejected")
    phone.page.locator("details.claim-reopen summary").click()
    phone.page.locator("details.claim-reopen textarea").fill("C’est bien la même livraison.")
    phone.press("Rouvrir")
    phone.until("Reçu", "Rouvert", "la même livraison")
    phone.shot("reopened")
    phone.page.locator("details.confirm summary", has_text="Retirer le litige").click()
    phone.press("Retirer")
    phone.until("Retiré")
    phone.shot("withdrawn")
    phone.go(f"{family.url}/disputes")
    phone.until("Vos questions et litiges", "Retiré")
    phone.shot("list")
