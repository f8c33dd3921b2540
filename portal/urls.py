"""Every debtor URL with its guard, one per line: the map of the portal."""

from portal.access import views as access
from portal.access.guards import debtor, verified
from portal.account import views as account
from portal.brand import views as brand
from portal.choose import views as choose
from portal.declarations import views as declarations
from portal.disputes import views as disputes
from portal.documents import views as documents
from portal.invoices import views as invoices
from portal.mandates import views as mandates
from portal.pay import views as pay
from portal.payments import views as payments
from portal.plans import views as plans
from portal.profile import views as profile
from portal.promises import views as promises
from shared.web.routes import Route, anyone

ROUTES: list[Route] = [
    Route("GET", "/l/<token>", access.landing, anyone),
    Route("POST", "/l/<token>", access.redeem, anyone),
    Route("GET", "/new-link", access.ask, anyone),
    Route("POST", "/new-link", access.send_link, anyone),
    Route("GET", "/new-link/sent", access.sent, anyone),
    Route("GET", "/logo/<uuid:company_id>", brand.logo, anyone),
    Route("POST", "/sign-out", access.sign_out, debtor),
    Route("GET", "/code", access.code, debtor),
    Route("POST", "/code", access.confirm, debtor),
    Route("POST", "/code/send", access.send_code, debtor),
    Route("GET", "/access", access.people, verified),
    Route("POST", "/access", access.invite, verified),
    Route("POST", "/access/people/<uuid:contact_id>/remove", access.remove, verified),
    Route("POST", "/access/people/<uuid:contact_id>/agree", access.agree, verified),
    Route("POST", "/access/links/<uuid:link_id>/revoke", access.revoke, verified),
    Route("POST", "/access/sessions/<uuid:session_id>/end", access.end, verified),
    Route("GET", "/accounts", access.accounts, verified),
    Route("POST", "/accounts/<uuid:debtor_id>", access.switch, verified),
    Route("GET", "/", account.home, debtor),
    Route("GET", "/invoices", invoices.list_, debtor),
    Route("GET", "/invoices/<uuid:invoice_id>", invoices.show, debtor),
    Route("GET", "/invoices/<uuid:invoice_id>/pdf", invoices.pdf, debtor),
    Route("GET", "/pay", pay.choose, debtor),
    Route("POST", "/pay", pay.start, debtor),
    Route("GET", "/pay/parts", pay.parts, debtor),
    Route("POST", "/pay/parts", pay.set_parts, debtor),
    Route("GET", "/pay/transfer", pay.transfer, debtor),
    Route("POST", "/pay/credit", pay.use_credit, debtor),
    Route("GET", "/pay/<uuid:payment_id>/return", pay.returned, debtor),
    Route("GET", "/pay/<uuid:payment_id>/stopped", pay.stopped, debtor),
    Route("POST", "/pay/<uuid:payment_id>/resume", pay.resume, debtor),
    Route("POST", "/pay/<uuid:payment_id>/abandon", pay.abandon, debtor),
    Route("GET", "/choose/<purpose>", choose.show, debtor),
    Route("POST", "/choose/<purpose>", choose.keep, debtor),
    Route("GET", "/payments", payments.list_, debtor),
    Route("GET", "/payments/<uuid:payment_id>", payments.show, debtor),
    Route("GET", "/payments/<uuid:payment_id>/receipt", payments.receipt, debtor),
    Route("GET", "/mandate", mandates.overview, debtor),
    Route("GET", "/mandate/new", mandates.new, verified),
    Route("POST", "/mandate/new", mandates.start, verified),
    Route("GET", "/mandate/autopay", mandates.autopay, verified),
    Route("POST", "/mandate/autopay", mandates.set_autopay, verified),
    Route("GET", "/mandate/debits", mandates.debits, verified),
    Route("POST", "/mandate/debits/<uuid:invoice_id>/leave-out", mandates.leave_out, verified),
    Route("POST", "/mandate/debits/<uuid:invoice_id>/take-back", mandates.take_back, verified),
    Route("GET", "/mandate/<uuid:mandate_id>/return", mandates.returned, debtor),
    Route("POST", "/mandate/<uuid:mandate_id>/resume", mandates.resume, verified),
    Route("POST", "/mandate/<uuid:mandate_id>/cancel", mandates.cancel, verified),
    Route("GET", "/mandate/<uuid:mandate_id>/pdf", mandates.pdf, debtor),
    Route("GET", "/promises", promises.list_, debtor),
    Route("GET", "/promises/new", promises.new, debtor),
    Route("POST", "/promises/new", promises.give, debtor),
    Route("GET", "/promises/<uuid:promise_id>", promises.show, debtor),
    Route("GET", "/promises/<uuid:promise_id>/change", promises.edit, debtor),
    Route("POST", "/promises/<uuid:promise_id>/change", promises.change, debtor),
    Route("POST", "/promises/<uuid:promise_id>/cancel", promises.cancel, debtor),
    Route("GET", "/plans", plans.list_, debtor),
    Route("GET", "/plans/new", plans.new, debtor),
    Route("POST", "/plans/new", plans.propose, debtor),
    Route("GET", "/plans/preview", plans.preview, debtor),
    Route("GET", "/plans/<uuid:plan_id>", plans.show, debtor),
    Route("POST", "/plans/<uuid:plan_id>/ask", plans.ask_person, debtor),
    Route("POST", "/plans/<uuid:plan_id>/withdraw", plans.withdraw, debtor),
    Route("GET", "/plans/<uuid:plan_id>/accept", plans.agree, verified),
    Route("POST", "/plans/<uuid:plan_id>/accept", plans.accept, verified),
    Route("GET", "/plans/<uuid:plan_id>/pdf", plans.pdf, debtor),
    Route("GET", "/declarations", declarations.list_, debtor),
    Route("GET", "/declarations/new", declarations.new, debtor),
    Route("POST", "/declarations/new", declarations.declare, debtor),
    Route("GET", "/declarations/<uuid:declaration_id>", declarations.show, debtor),
    Route("POST", "/declarations/<uuid:declaration_id>/withdraw", declarations.withdraw, debtor),
    Route("GET", "/declarations/<uuid:declaration_id>/files/<uuid:attachment_id>", declarations.file, debtor),
    Route("GET", "/disputes", disputes.list_, debtor),
    Route("GET", "/disputes/new", disputes.new, debtor),
    Route("POST", "/disputes/new", disputes.send, debtor),
    Route("GET", "/disputes/<uuid:dispute_id>", disputes.show, debtor),
    Route("POST", "/disputes/<uuid:dispute_id>/answer", disputes.answer, debtor),
    Route("POST", "/disputes/<uuid:dispute_id>/withdraw", disputes.withdraw, debtor),
    Route("POST", "/disputes/<uuid:dispute_id>/reopen", disputes.reopen, debtor),
    Route("GET", "/disputes/<uuid:dispute_id>/files/<uuid:attachment_id>", disputes.file, debtor),
    Route("GET", "/documents", documents.overview, debtor),
    Route("GET", "/documents/statement", documents.statement, debtor),
    Route("GET", "/documents/invoices.zip", documents.bundle, debtor),
    Route("GET", "/profile", profile.show, debtor),
    Route("POST", "/profile", profile.change, debtor),
    Route("POST", "/profile/digest", profile.set_digest, debtor),
    Route("GET", "/profile/messages", profile.messages, debtor),
    Route("GET", "/profile/messages/<uuid:message_id>", profile.message, debtor),
]
