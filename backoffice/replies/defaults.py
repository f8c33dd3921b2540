"""The replies that every company begins with, by room and act."""

from __future__ import annotations

from backoffice.replies.rules import ReplyDefault, Room

DEFAULTS: tuple[ReplyDefault, ...] = (
    ReplyDefault(
        Room.DISPUTE,
        "answer",
        "received",
        "Bien reçu, nous examinons",
        "Received, we look into it",
        "Bonjour,\n\nNous avons bien reçu votre contestation {{reference}} ({{invoices}}) et l’examinons. "
        "Vous aurez notre réponse au plus tard le {{deadline}}. D’ici là, le montant contesté ne vous est pas réclamé."
        "\n\n{{me}}\n{{company}}",
        "Hello,\n\nWe have your dispute {{reference}} ({{invoices}}) and are looking into it. You will have our answer by "
        "{{deadline}}. Until then the contested amount is not asked for.\n\n{{me}}\n{{company}}",
    ),
    ReplyDefault(
        Room.DISPUTE,
        "answer",
        "delivery_note",
        "Demander le bon de livraison",
        "Ask for the delivery note",
        "Bonjour,\n\nPour avancer sur {{invoices}}, pourriez-vous nous envoyer une photo ou une copie du bon de "
        "livraison, ainsi que la date de réception ?\n\n{{me}}\n{{company}}",
        "Hello,\n\nTo move on with {{invoices}}, could you send us a photo or a copy of the delivery note, and the day on "
        "which you received it?\n\n{{me}}\n{{company}}",
        asks=True,
    ),
    ReplyDefault(
        Room.DISPUTE,
        "answer",
        "proof_of_payment",
        "Demander la preuve de paiement",
        "Ask for the proof of payment",
        "Bonjour,\n\nNous ne retrouvons pas le paiement de {{invoices}}. Pourriez-vous nous envoyer l’avis de virement, ou "
        "nous indiquer sa date, son montant et son libellé ?\n\n{{me}}\n{{company}}",
        "Hello,\n\nWe cannot find the payment of {{invoices}}. Could you send us the transfer advice, or tell us its day, "
        "amount and reference?\n\n{{me}}\n{{company}}",
        asks=True,
    ),
    ReplyDefault(
        Room.DISPUTE,
        "answer",
        "order_number",
        "Demander le numéro de commande",
        "Ask for the order number",
        "Bonjour,\n\nPourriez-vous nous indiquer le numéro de commande à faire figurer sur {{invoices}} ? Nous vous "
        "enverrons alors le document corrigé.\n\n{{me}}\n{{company}}",
        "Hello,\n\nCould you tell us the order number that {{invoices}} should bear? We will then send you the corrected "
        "document.\n\n{{me}}\n{{company}}",
        asks=True,
    ),
    ReplyDefault(
        Room.DISPUTE,
        "answer",
        "with_the_carrier",
        "Transporteur interrogé",
        "We asked the carrier",
        "Bonjour,\n\nNous avons interrogé le transporteur au sujet de {{invoices}} et revenons vers vous dès sa réponse."
        "\n\n{{me}}\n{{company}}",
        "Hello,\n\nWe have asked the carrier about {{invoices}} and come back to you as soon as we have an answer."
        "\n\n{{me}}\n{{company}}",
    ),
    ReplyDefault(
        Room.DISPUTE,
        "accept",
        "credited",
        "Avoir accordé",
        "Credited",
        "Vous avez raison au sujet de {{invoices}}, et nous vous prions de nous excuser. Nous avons établi "
        "l’avoir correspondant ; il vient en déduction de ce que vous devez.",
        "You are right about {{invoices}}, and we apologise. We have made out the credit note; it is taken off "
        "what you owe.",
    ),
    ReplyDefault(
        Room.DISPUTE,
        "accept",
        "credited_in_part",
        "Accordé en partie",
        "Credited in part",
        "Nous vous donnons raison en partie au sujet de {{invoices}} : l’avoir couvre ce que nous avons pu "
        "constater. Le reste correspond à ce qui a été livré et reste dû.",
        "We agree with you in part about {{invoices}}: the credit covers what we could establish. The rest is for "
        "what was delivered and stays owed.",
    ),
    ReplyDefault(
        Room.DISPUTE,
        "reject",
        "as_ordered",
        "Conforme à la commande",
        "As ordered",
        "Nous avons repris votre commande et la livraison : {{invoices}} leur correspond. Le montant contesté est "
        "donc dû. Si un élément nous a échappé, écrivez-nous en répondant dans votre espace.",
        "We have gone through your order and the delivery again: {{invoices}} agrees with both. The contested "
        "amount is therefore owed. If we have missed something, write to us on your account.",
    ),
    ReplyDefault(
        Room.DISPUTE,
        "reject",
        "delivery_proven",
        "Livraison prouvée",
        "Delivery is proven",
        "Le transporteur nous a transmis le bon de livraison signé pour {{invoices}}. Le montant contesté est "
        "donc dû. Demandez-nous une copie du bon si vous le souhaitez.",
        "The carrier has sent us the signed delivery note for {{invoices}}. The contested amount is therefore "
        "owed. Ask us for a copy of the note if you wish.",
    ),
    ReplyDefault(
        Room.DISPUTE,
        "reject",
        "no_answer",
        "Sans réponse de votre part",
        "No answer from the debtor",
        "Nous vous avons demandé des précisions au sujet de {{invoices}} et n’avons rien reçu. Sans elles, nous "
        "ne pouvons pas retenir votre contestation. Vous pouvez la rouvrir en nous les envoyant.",
        "We asked you for details about {{invoices}} and have received nothing. Without them we cannot uphold "
        "your dispute. You may open it again by sending them.",
    ),
    ReplyDefault(
        Room.PLAN,
        "offer",
        "shorter",
        "Proposer plus court",
        "Offer a shorter plan",
        "Merci de votre proposition. Nous ne pouvons pas attendre aussi longtemps, mais nous vous proposons "
        "l’échéancier ci-dessous, sans frais. Il vous suffit de l’accepter dans votre espace.",
        "Thank you for your proposal. We cannot wait that long, but we can offer you the schedule below, free of "
        "charge. All you have to do is accept it on your account.",
    ),
    ReplyDefault(
        Room.PLAN,
        "offer",
        "more_at_first",
        "Demander un premier versement",
        "Ask for more at first",
        "Merci de votre proposition. Nous l’acceptons volontiers avec un premier versement plus important, comme "
        "dans l’échéancier ci-dessous.",
        "Thank you for your proposal. We are glad to agree with a larger first instalment, as in the schedule below.",
    ),
    ReplyDefault(
        Room.PLAN,
        "offer",
        "as_agreed",
        "Comme convenu au téléphone",
        "As agreed on the telephone",
        "Comme convenu, voici l’échéancier. Il ne vous coûte rien ; il vous suffit de l’accepter dans votre espace.",
        "As agreed, here is the schedule. It costs you nothing; all you have to do is accept it on your account.",
    ),
    ReplyDefault(
        Room.PLAN,
        "change",
        "new_schedule",
        "Nouvel échéancier",
        "A new schedule",
        "Voici un nouvel échéancier pour ce qui reste du plan {{reference}}, soit {{left}}. L’ancien continue "
        "jusqu’à ce que vous acceptiez celui-ci.",
        "Here is a new schedule for what is left of the plan {{reference}}, {{left}}. The old one goes on until "
        "you accept this one.",
    ),
    ReplyDefault(
        Room.PLAN,
        "decline",
        "too_long",
        "Durée trop longue",
        "Too long",
        "Nous ne pouvons pas étaler {{amount}} sur une durée aussi longue. Proposez-nous un échéancier plus "
        "court, ou appelez-nous : nous cherchons une solution avec vous.",
        "We cannot spread {{amount}} over so long a time. Propose a shorter schedule, or call us: we look for a "
        "way together.",
    ),
    ReplyDefault(
        Room.PLAN,
        "decline",
        "earlier_plans",
        "Engagements non tenus",
        "Earlier agreements were not kept",
        "Les engagements précédents n’ayant pas été tenus, nous ne pouvons pas accorder ce plan. Un premier "
        "versement sur {{invoices}} nous permettrait de revoir votre demande.",
        "As earlier agreements were not kept, we cannot grant this plan. A first payment towards {{invoices}} "
        "would let us look at it again.",
    ),
    ReplyDefault(
        Room.PLAN,
        "decline",
        "too_small",
        "Montant trop faible pour un plan",
        "Too small for a plan",
        "Le montant de {{amount}} est trop faible pour un paiement échelonné. Si une date vous conviendrait "
        "mieux, indiquez-la dans votre espace.",
        "The amount of {{amount}} is too small to be paid by instalments. If another day suits you better, tell "
        "us on your account.",
    ),
    ReplyDefault(
        Room.PLAN,
        "pause",
        "rest_asked_for",
        "À votre demande",
        "At the debtor’s request",
        "À votre demande, le plan {{reference}} est suspendu. Nous vous écrirons avec les nouvelles dates avant "
        "toute échéance.",
        "As you asked, the plan {{reference}} rests. We will write to you with the new days before anything is due.",
    ),
    ReplyDefault(
        Room.PLAN,
        "pause",
        "we_check",
        "Vérification en cours",
        "We are checking something",
        "Nous vérifions un point sur {{invoices}}. D’ici là, rien n’est dû sur le plan {{reference}}.",
        "We are checking a point about {{invoices}}. Until then nothing is due on the plan {{reference}}.",
    ),
    ReplyDefault(
        Room.PLAN,
        "cancel",
        "end_asked_for",
        "À votre demande",
        "At the debtor’s request",
        "À votre demande, nous avons mis fin au plan {{reference}}. Il reste {{left}} à payer, aux dates de vos "
        "factures.",
        "As you asked, we have ended the plan {{reference}}. {{left}} is left to pay, by the days of your invoices.",
    ),
    ReplyDefault(
        Room.PLAN,
        "cancel",
        "replaced",
        "Remplacé par un autre accord",
        "Another agreement takes its place",
        "Un autre accord remplace le plan {{reference}}, auquel nous mettons donc fin.",
        "Another agreement takes the place of the plan {{reference}}, which we therefore end.",
    ),
    ReplyDefault(
        Room.PLAN,
        "default",
        "missed",
        "Échéance impayée",
        "An instalment was missed",
        "Malgré notre relance, une échéance du plan {{reference}} n’a pas été payée. Le reste, {{left}}, est donc "
        "exigible. Appelez-nous si vous rencontrez une difficulté.",
        "In spite of our reminder an instalment of the plan {{reference}} was not paid. The rest, {{left}}, is "
        "therefore due. Call us if something stands in the way.",
    ),
    ReplyDefault(
        Room.PROMISE,
        "cancel",
        "taken_back",
        "À votre demande",
        "At the debtor’s request",
        "À votre demande, nous n’attendons plus de paiement au {{day}} pour {{invoices}}.",
        "As you asked, we no longer expect a payment on {{day}} for {{invoices}}.",
    ),
    ReplyDefault(
        Room.PROMISE,
        "cancel",
        "other_agreement",
        "Remplacée par un autre accord",
        "Another agreement takes its place",
        "Un autre accord remplace votre promesse de payer {{amount}} le {{day}}.",
        "Another agreement takes the place of your promise to pay {{amount}} on {{day}}.",
    ),
    ReplyDefault(
        Room.PROMISE,
        "cancel",
        "not_possible",
        "Nous ne pouvons pas attendre",
        "We cannot wait",
        "Nous ne pouvons malheureusement pas attendre le {{day}} pour {{invoices}}. Appelez-nous si vous ne "
        "pouvez pas payer avant.",
        "We are sorry that we cannot wait until {{day}} for {{invoices}}. Call us if you cannot pay earlier.",
    ),
    ReplyDefault(
        Room.DECLARATION,
        "refuse",
        "not_arrived",
        "Virement introuvable",
        "Not found",
        "Nous avons parcouru nos relevés bancaires et n’y trouvons pas le virement de {{amount}} du {{day}}. "
        "Vérifiez auprès de votre banque qu’il est bien parti.",
        "We looked through our bank statements and did not find the transfer of {{amount}} made on {{day}}. "
        "Please check with your bank that it has left.",
    ),
    ReplyDefault(
        Room.DECLARATION,
        "refuse",
        "other_amount",
        "Montant différent",
        "The amount differs",
        "Nous avons bien reçu un virement vers le {{day}}, mais pas de {{amount}}. Indiquez-nous le montant exact "
        "et les factures qu’il règle, pour que nous puissions le rapprocher.",
        "We have received a transfer around {{day}}, but not of {{amount}}. Tell us the exact amount and which "
        "invoices it pays, so that we can match it.",
    ),
    ReplyDefault(
        Room.DECLARATION,
        "refuse",
        "other_account",
        "Versé sur un autre compte",
        "Gone to another account",
        "Ce virement semble avoir été versé sur un autre compte. Notre numéro de compte figure sur chaque facture "
        "et dans votre espace.",
        "This transfer seems to have gone to another account. Our account number stands on every invoice and on "
        "your account page.",
    ),
    ReplyDefault(
        Room.DECLARATION,
        "refuse",
        "no_proof",
        "Justificatif illisible",
        "The proof cannot be read",
        "Nous n’avons pas pu reconnaître un virement dans ce que vous nous avez envoyé. Envoyez-nous la "
        "confirmation de votre banque pour {{amount}}.",
        "We could not read a transfer in what you sent us. Please send us your bank’s confirmation for {{amount}}.",
    ),
)
"""In the order in which they are shown. Outside a conversation they are put into a message that greets and signs by itself."""
