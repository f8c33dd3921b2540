"""Every staff URL with its permission, one per line: the map of the back-office."""

from backoffice.access import views as access
from backoffice.access.guards import half_way, staff
from backoffice.debtors import views as debtors
from backoffice.debtors.money import views as money
from backoffice.home import views as home
from backoffice.invoices import views as invoices
from shared.web.routes import Route, anyone

ROUTES: list[Route] = [
    # fmt: off
    Route("GET",      "/",                                                 home.today,                  staff("desk.enter")),
    Route("GET",      "/search",                                           home.search,                 staff("desk.enter")),

    Route("GET POST", "/sign-in",                                          access.sign_in,              anyone),
    Route("GET POST", "/sign-in/code",                                     access.second_step,          half_way),
    Route("GET POST", "/sign-in/set-up",                                   access.enrol,                half_way),
    Route("POST",     "/sign-out",                                         access.sign_out,             staff("desk.enter", needs_company=False)),
    Route("GET POST", "/confirm",                                          access.confirm,              staff("desk.enter", needs_company=False)),
    Route("POST",     "/company",                                          access.choose_company,       staff("desk.enter")),
    Route("POST",     "/language",                                         access.choose_language,      staff("desk.enter", needs_company=False)),
    Route("GET",      "/me",                                               access.me,                   staff("desk.enter", needs_company=False)),
    Route("POST",     "/me/password",                                      access.change_password,      staff("desk.enter", needs_company=False)),
    Route("GET POST", "/me/second-factor",                                 access.set_up_second_factor, staff("desk.enter", fresh=True, needs_company=False)),
    Route("POST",     "/me/sessions/<uuid:session_id>/end",                access.end_session,          staff("desk.enter", needs_company=False)),
    Route("GET",      "/staff",                                            access.staff,                staff("staff.read", needs_company=False)),
    Route("GET POST", "/staff/new",                                        access.add_staff,            staff("staff.write", fresh=True, needs_company=False)),
    Route("GET",      "/staff/<uuid:staff_id>",                            access.show_staff,           staff("staff.read", needs_company=False)),
    Route("POST",     "/staff/<uuid:staff_id>",                            access.change_staff,         staff("staff.write", fresh=True, needs_company=False)),
    Route("POST",     "/staff/<uuid:staff_id>/<act>",                      access.act_on_staff,         staff("staff.write", fresh=True, needs_company=False)),
    Route("POST",     "/staff/<uuid:staff_id>/sessions/<uuid:session_id>/end", access.end_staff_session, staff("staff.write", needs_company=False)),

    Route("GET",      "/debtors",                                          debtors.browse,              staff("debtors.read")),
    Route("GET",      "/debtors.<form>",                                   debtors.export,              staff("debtors.export")),
    Route("GET",      "/debtors/<uuid:debtor_id>",                         debtors.show,                staff("debtors.read")),
    Route("GET",      "/debtors/<uuid:debtor_id>/links",                   debtors.links,               staff("debtors.read")),
    Route("POST",     "/debtors/<uuid:debtor_id>/links",                   debtors.send_link,           staff("links.send")),
    Route("POST",     "/debtors/<uuid:debtor_id>/links/revoke",            debtors.revoke,              staff("links.revoke")),
    Route("POST",     "/debtors/<uuid:debtor_id>/notes",                   debtors.add_note,            staff("debtors.write")),
    Route("POST",     "/debtors/<uuid:debtor_id>/pause",                   debtors.pause,               staff("debtors.write")),
    Route("POST",     "/debtors/<uuid:debtor_id>/resume",                  debtors.resume,              staff("debtors.write")),
    Route("GET POST", "/debtors/<uuid:debtor_id>/people/new",              debtors.add_contact,         staff("debtors.write")),
    Route("GET POST", "/debtors/<uuid:debtor_id>/people/<uuid:contact_id>", debtors.edit_contact,       staff("debtors.write")),
    Route("POST",     "/debtors/<uuid:debtor_id>/people/<uuid:contact_id>/remove", debtors.remove_contact, staff("debtors.write")),
    Route("GET POST", "/debtors/<uuid:debtor_id>/receipts/new",            money.record,                staff("receipts.record")),
    Route("GET POST", "/debtors/<uuid:debtor_id>/credit",                  money.apply_credit,          staff("credit.apply")),

    Route("GET",      "/invoices",                                         invoices.browse,             staff("invoices.read")),
    Route("GET",      "/invoices.<form>",                                  invoices.export,             staff("invoices.export")),
    Route("GET",      "/invoices/<uuid:invoice_id>",                       invoices.show,               staff("invoices.read")),
    Route("POST",     "/invoices/<uuid:invoice_id>/hold",                  invoices.hold,               staff("invoices.hold")),
    Route("POST",     "/invoices/<uuid:invoice_id>/lift/<uuid:freeze_id>", invoices.lift,               staff("invoices.hold")),
    # fmt: on
]
