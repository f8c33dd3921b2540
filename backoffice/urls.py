"""Every staff URL with its permission, one per line: the map of the back-office."""

from backoffice.access import views as access
from backoffice.access.guards import half_way, staff
from backoffice.chargebacks import views as chargebacks
from backoffice.collections import views as collections
from backoffice.debtors import views as debtors
from backoffice.debtors.money import views as money
from backoffice.declarations import views as declarations
from backoffice.disputes.routes import ROUTES as DISPUTES
from backoffice.handover import views as handover
from backoffice.home import views as home
from backoffice.imports.routes import ROUTES as IMPORTS
from backoffice.invoices import views as invoices
from backoffice.mandates import views as mandates
from backoffice.messages import views as messages
from backoffice.messages.unreachable import views as unreachable
from backoffice.notices import views as notices
from backoffice.payments import views as payments
from backoffice.personal.routes import ROUTES as PERSONAL
from backoffice.plans.routes import ROUTES as PLANS
from backoffice.promises import views as promises
from backoffice.reminders import views as reminders
from backoffice.reminders.scenarios import views as scenarios
from backoffice.replies.routes import ROUTES as REPLIES
from backoffice.setup import views as setup
from backoffice.statistics import views as statistics
from backoffice.system import views as system
from shared.web.routes import Route, anyone

# fmt: off
ROUTES: list[Route] = [
    Route("GET",      "/",                                                 home.today,                  staff("desk.enter")),
    Route("GET",      "/search",                                           home.search,                 staff("desk.enter")),

    Route("GET POST", "/sign-in",                                          access.sign_in,              anyone),
    Route("GET POST", "/sign-in/code",                                     access.second_step,          half_way),
    Route("GET POST", "/sign-in/set-up",                                   access.enrol,                half_way),
    Route("GET POST", "/welcome/<token>",                                  access.welcome,              anyone),
    Route("POST",     "/sign-out",                                         access.sign_out,             staff("desk.enter", needs_company=False)),
    Route("GET POST", "/confirm",                                          access.confirm,              staff("desk.enter", needs_company=False)),
    Route("POST",     "/company",                                          access.choose_company,       staff("desk.enter", any_desk=True)),
    Route("POST",     "/language",                                         access.choose_language,      staff("desk.enter", needs_company=False)),
    Route("GET",      "/me",                                               access.me,                   staff("desk.enter", needs_company=False)),
    Route("GET",      "/me/notices",                                       notices.preferences,         staff("desk.enter", needs_company=False)),
    Route("POST",     "/me/notices",                                       notices.choose,              staff("desk.enter", needs_company=False)),
    Route("POST",     "/me/password",                                      access.change_password,      staff("desk.enter", needs_company=False)),
    Route("GET POST", "/me/second-factor",                                 access.set_up_second_factor, staff("desk.enter", fresh=True, needs_company=False)),
    Route("POST",     "/me/sessions/<uuid:session_id>/end",                access.end_session,          staff("desk.enter", needs_company=False)),
    Route("GET",      "/staff",                                            access.staff,                staff("staff.read", needs_company=False)),
    Route("GET POST", "/staff/new",                                        access.add_staff,            staff("staff.write", fresh=True, needs_company=False)),
    Route("GET",      "/staff/<uuid:staff_id>",                            access.show_staff,           staff("staff.read", needs_company=False)),
    Route("POST",     "/staff/<uuid:staff_id>",                            access.change_staff,         staff("staff.write", fresh=True, needs_company=False)),
    Route("GET",      "/staff/<uuid:staff_id>/affairs",                    handover.show,               staff("staff.read", needs_company=False)),
    Route("POST",     "/staff/<uuid:staff_id>/affairs",                    handover.give,               staff("staff.write", needs_company=False)),
    Route("POST",     "/staff/<uuid:staff_id>/<act>",                      access.act_on_staff,         staff("staff.write", fresh=True, needs_company=False)),
    Route("POST",     "/staff/<uuid:staff_id>/sessions/<uuid:session_id>/end", access.end_staff_session, staff("staff.write", needs_company=False)),

    Route("GET",      "/debtors",                                          debtors.browse,              staff("debtors.read")),
    Route("GET",      "/debtors.<form>",                                   debtors.export,              staff("debtors.export")),
    Route("GET",      "/debtors/<uuid:debtor_id>",                         debtors.show,                staff("debtors.read")),
    Route("GET",      "/debtors/<uuid:debtor_id>/statement.<form>",        debtors.statement,           staff("debtors.read")),
    Route("GET",      "/debtors/<uuid:debtor_id>/papers/<uuid:order_id>",  debtors.paper,               staff("debtors.read")),
    Route("GET",      "/debtors/<uuid:debtor_id>/papers/<uuid:order_id>.pdf", debtors.paper_file,       staff("debtors.read")),
    Route("GET",      "/debtors/<uuid:debtor_id>/links",                   debtors.links,               staff("debtors.read")),
    Route("POST",     "/debtors/<uuid:debtor_id>/links",                   debtors.send_link,           staff("links.send")),
    Route("POST",     "/debtors/<uuid:debtor_id>/links/revoke",            debtors.revoke,              staff("links.revoke")),
    Route("POST",     "/debtors/<uuid:debtor_id>/notes",                   debtors.add_note,            staff("debtors.write")),
    Route("GET POST", "/debtors/<uuid:debtor_id>/edit",                    debtors.edit,                staff("debtors.write")),
    Route("GET",      "/debtors/<uuid:debtor_id>/merge",                   debtors.merge,               staff("debtors.merge")),
    Route("POST",     "/debtors/<uuid:debtor_id>/merge",                   debtors.do_merge,            staff("debtors.merge", fresh=True)),
    Route("POST",     "/debtors/<uuid:debtor_id>/pause",                   debtors.pause,               staff("debtors.write")),
    Route("POST",     "/debtors/<uuid:debtor_id>/resume",                  debtors.resume,              staff("debtors.write")),
    Route("GET POST", "/debtors/<uuid:debtor_id>/people/new",              debtors.add_contact,         staff("debtors.write", fresh=True)),
    Route("GET POST", "/debtors/<uuid:debtor_id>/people/<uuid:contact_id>", debtors.edit_contact,       staff("debtors.write", fresh=True)),
    Route("POST",     "/debtors/<uuid:debtor_id>/people/<uuid:contact_id>/remove", debtors.remove_contact, staff("debtors.write", fresh=True)),
    Route("POST",     "/debtors/<uuid:debtor_id>/people/<uuid:contact_id>/agree", debtors.agree_to_contact, staff("contacts.agree", fresh=True)),
    Route("GET POST", "/debtors/<uuid:debtor_id>/receipts/new",            money.record,                staff("receipts.record")),
    Route("GET POST", "/debtors/<uuid:debtor_id>/credit",                  money.apply_credit,          staff("credit.apply")),

    Route("GET",      "/invoices",                                         invoices.browse,             staff("invoices.read")),
    Route("GET",      "/invoices.<form>",                                  invoices.export,             staff("invoices.export")),
    Route("GET",      "/invoices/<uuid:invoice_id>",                       invoices.show,               staff("invoices.read")),
    Route("GET",      "/invoices/<uuid:invoice_id>.pdf",                   invoices.paper,              staff("invoices.read")),
    Route("POST",     "/invoices/<uuid:invoice_id>/hold",                  invoices.hold,               staff("invoices.hold")),
    Route("POST",     "/invoices/<uuid:invoice_id>/cancel",                invoices.cancel,             staff("invoices.cancel", fresh=True)),
    Route("POST",     "/invoices/<uuid:invoice_id>/cancel/<uuid:cancellation_id>/approve", invoices.approve_cancellation, staff("giving.approve", fresh=True)),
    Route("POST",     "/invoices/<uuid:invoice_id>/cancel/<uuid:cancellation_id>/decline", invoices.decline_cancellation, staff("invoices.cancel")),
    Route("POST",     "/invoices/<uuid:invoice_id>/lift/<uuid:freeze_id>", invoices.lift,               staff("invoices.hold")),

    Route("GET",      "/payments",                                         payments.browse,             staff("payments.read")),
    Route("GET",      "/payments.<form>",                                  payments.export,             staff("payments.export")),
    Route("GET",      "/payments/<uuid:payment_id>",                       payments.show,               staff("payments.read")),
    Route("GET",      "/payments/<uuid:payment_id>/receipt.pdf",           payments.receipt,            staff("payments.read")),
    Route("POST",     "/payments/<uuid:payment_id>/ask",                   payments.ask_provider,       staff("payments.ask")),
    Route("POST",     "/payments/<uuid:payment_id>/refunds",               payments.ask_refund,         staff("refunds.ask", fresh=True)),
    Route("POST",     "/payments/<uuid:payment_id>/refunds/<uuid:refund_id>/<any(owed,forgiven):answer>", payments.settle_refund, staff("refunds.ask", fresh=True)),
    Route("POST",     "/payments/<uuid:payment_id>/refunds/<uuid:refund_id>/<any(approve,decline):decision>", payments.decide_refund, staff("giving.approve", fresh=True)),
    Route("POST",     "/payments/<uuid:payment_id>/undo",                  payments.undo,               staff("receipts.undo", fresh=True)),

    Route("GET",      "/promises",                                         promises.browse,             staff("promises.read")),
    Route("GET",      "/promises.<form>",                                  promises.export,             staff("promises.export")),
    Route("GET",      "/promises/expected",                                promises.expected,           staff("promises.read")),
    Route("POST",     "/promises/bulk",                                    promises.act,                staff("promises.write")),
    Route("GET",      "/promises/<uuid:promise_id>",                       promises.show,               staff("promises.read")),
    Route("GET POST", "/promises/<uuid:promise_id>/change",                promises.change,             staff("promises.write")),
    Route("POST",     "/promises/<uuid:promise_id>/assign",                promises.assign,             staff("promises.write")),
    Route("POST",     "/promises/<uuid:promise_id>/cancel",                promises.cancel,             staff("promises.write")),
    Route("GET POST", "/debtors/<uuid:debtor_id>/promises/new",            promises.new,                staff("promises.write")),

    Route("GET",      "/chargebacks",                                      chargebacks.browse,          staff("chargebacks.read")),
    Route("GET",      "/chargebacks/<uuid:chargeback_id>",                 chargebacks.show,            staff("chargebacks.read")),
    Route("POST",     "/chargebacks/<uuid:chargeback_id>/note",            chargebacks.note,            staff("chargebacks.write")),
    Route("POST",     "/chargebacks/<uuid:chargeback_id>/assign",          chargebacks.assign,          staff("chargebacks.write")),
    Route("POST",     "/chargebacks/<uuid:chargeback_id>/owe",             chargebacks.owe,             staff("chargebacks.decide")),
    Route("POST",     "/chargebacks/<uuid:chargeback_id>/give-up",         chargebacks.give_up,         staff("chargebacks.decide", fresh=True)),

    Route("GET",      "/declarations",                                     declarations.browse,         staff("declarations.read")),
    Route("GET",      "/declarations.<form>",                              declarations.export,         staff("declarations.export")),
    Route("POST",     "/declarations/bulk",                                declarations.act,            staff("declarations.write")),
    Route("GET",      "/declarations/new",                                 declarations.choose,         staff("declarations.write")),
    Route("GET POST", "/debtors/<uuid:debtor_id>/declarations/new",        declarations.new,            staff("declarations.write")),
    Route("GET",      "/declarations/<uuid:declaration_id>",               declarations.show,           staff("declarations.read")),
    Route("GET",      "/declarations/<uuid:declaration_id>/files/<uuid:attachment_id>", declarations.file, staff("declarations.read")),
    Route("POST",     "/declarations/<uuid:declaration_id>/assign",        declarations.assign,         staff("declarations.write")),
    Route("POST",     "/declarations/<uuid:declaration_id>/match",         declarations.match,          staff("declarations.write")),
    Route("POST",     "/declarations/<uuid:declaration_id>/record",        declarations.record,         staff("receipts.record")),
    Route("POST",     "/declarations/<uuid:declaration_id>/refuse",        declarations.refuse,         staff("declarations.write")),

    Route("GET",      "/mandates",                                         mandates.browse,             staff("mandates.read")),
    Route("GET",      "/mandates.<form>",                                  mandates.export,             staff("payments.export")),
    Route("GET",      "/mandates/<uuid:mandate_id>",                       mandates.show,               staff("mandates.read")),
    Route("GET",      "/mandates/<uuid:mandate_id>/mandate.pdf",           mandates.paper,              staff("mandates.read")),
    Route("POST",     "/mandates/<uuid:mandate_id>/ask",                   mandates.ask_provider,       staff("payments.ask")),
    Route("POST",     "/mandates/<uuid:mandate_id>/cancel",                mandates.cancel,             staff("mandates.cancel", fresh=True)),

    Route("GET",      "/collections",                                      collections.browse,          staff("collections.read")),
    Route("GET",      "/collections/try-out",                              collections.try_out,         staff("collections.read")),
    Route("POST",     "/collections/run",                                  collections.run_now,         staff("collections.run")),
    Route("GET",      "/collections/<uuid:run_id>",                        collections.show,            staff("collections.read")),
    Route("GET",      "/collections/<uuid:run_id>.<form>",                 collections.export,          staff("payments.export")),

    Route("GET",      "/reminders",                                        reminders.browse,            staff("reminders.read")),
    Route("GET",      "/reminders/try-out",                                reminders.try_out,           staff("reminders.read")),
    Route("POST",     "/reminders/run",                                    reminders.run_now,           staff("reminders.run")),
    Route("GET",      "/reminders/scenarios",                              scenarios.browse,            staff("reminders.read")),
    Route("POST",     "/reminders/scenarios",                              scenarios.begin,             staff("reminders.write")),
    Route("GET POST", "/reminders/scenarios/new",                          scenarios.new,               staff("reminders.write")),
    Route("GET POST", "/reminders/scenarios/<uuid:scenario_id>",           scenarios.edit,              staff("reminders.write")),
    Route("GET",      "/reminders/scenarios/<uuid:scenario_id>/preview",   scenarios.preview,           staff("reminders.read")),
    Route("POST",     "/reminders/scenarios/<uuid:scenario_id>/default",   scenarios.make_default,      staff("reminders.write")),
    Route("POST",     "/reminders/scenarios/<uuid:scenario_id>/retire",    scenarios.retire,            staff("reminders.write")),
    Route("GET POST", "/reminders/debtors/<uuid:debtor_id>",               scenarios.choose,            staff("reminders.write")),
    Route("GET",      "/reminders/<uuid:run_id>",                          reminders.show,              staff("reminders.read")),
    Route("GET",      "/reminders/<uuid:run_id>.<form>",                   reminders.export,            staff("debtors.export")),

    Route("GET",      "/messages",                                         messages.browse,             staff("messages.read")),
    Route("POST",     "/messages",                                         messages.act,                staff("messages.send")),
    Route("GET",      "/messages/unreachable",                             unreachable.browse,          staff("messages.read")),
    Route("POST",     "/messages/unreachable",                             unreachable.act,             staff("debtors.write")),
    Route("GET",      "/messages.<form>",                                  messages.export,             staff("messages.export")),
    Route("GET",      "/messages/<uuid:message_id>",                       messages.show,               staff("messages.read")),
    Route("GET",      "/messages/<uuid:message_id>/html",                  messages.html,               staff("messages.read")),
    Route("GET",      "/messages/<uuid:message_id>/files/<int:position>",  messages.attachment,         staff("messages.read")),
    Route("POST",     "/messages/<uuid:message_id>/again",                 messages.send_again,         staff("messages.send")),

    Route("GET",      "/notices",                                          notices.browse,              staff("desk.enter")),
    Route("POST",     "/notices",                                          notices.tick_off,            staff("desk.enter")),
    Route("GET",      "/notices/<uuid:notice_id>",                         notices.show,                staff("desk.enter")),

    *DISPUTES,

    *PLANS,

    *REPLIES,

    *PERSONAL,

    Route("GET",      "/quality",                                          statistics.quality,          staff("statistics.read")),
    Route("GET",      "/quality.<form>",                                   statistics.export,           staff("statistics.read")),

    *IMPORTS,

    Route("GET",      "/system",                                           system.overview,             staff("system.read")),
    Route("POST",     "/system/duties",                                    system.ask_duty,             staff("system.act")),
    Route("GET",      "/system/webhooks",                                  system.inbox,                staff("system.read")),
    Route("GET",      "/system/webhooks/<uuid:event_id>",                  system.event,                staff("system.read")),
    Route("POST",     "/system/webhooks/<uuid:event_id>/replay",           system.replay_event,         staff("system.act")),
    Route("POST",     "/system/webhooks/<uuid:event_id>/away",             system.put_event_away,       staff("system.act")),
    Route("GET",      "/system/outbox",                                    system.outbox,               staff("system.read")),
    Route("GET",      "/system/outbox/<uuid:message_id>",                  system.message,              staff("system.read")),
    Route("POST",     "/system/outbox/<uuid:message_id>/replay",           system.replay_message,       staff("system.act")),
    Route("POST",     "/system/outbox/<uuid:message_id>/abandon",          system.abandon_message,      staff("system.act")),
    Route("GET",      "/system/audit",                                     system.audit,                staff("audit.read")),
    Route("GET",      "/system/audit.<form>",                              system.export_audit,         staff("audit.read")),

    Route("GET",      "/setup",                                            setup.company,               staff("company.read", needs_company=False)),
    Route("POST",     "/setup",                                            setup.change_company,        staff("company.write", fresh=True)),
    Route("POST",     "/setup/limit/<uuid:raise_id>/agree",                setup.agree_limit,           staff("company.write", fresh=True)),
    Route("POST",     "/setup/limit/<uuid:raise_id>/decline",              setup.decline_limit,         staff("giving.approve")),
    Route("GET",      "/setup/promises",                                   promises.limits,             staff("company.read")),
    Route("POST",     "/setup/promises",                                   promises.set_limits,         staff("company.write")),
    Route("GET",      "/setup/declarations",                               declarations.terms,          staff("company.read")),
    Route("POST",     "/setup/declarations",                               declarations.set_terms,      staff("company.write")),
    Route("GET POST", "/setup/bank",                                       setup.bank,                  staff("company.write", fresh=True)),
    Route("GET POST", "/setup/new",                                        setup.add_company,           staff("company.write", fresh=True, needs_company=False)),
]
# fmt: on
