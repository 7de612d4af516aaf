# Mails: a subject, a body (paragraphs with blank lines between them), and what the button with the link says.
mail-greeting = Hello { $name },
mail-footer = This mail was sent by Steppe, which keeps servers running for communities.

mail-confirm-subject = Please confirm your address
mail-confirm-body =
    Somebody, hopefully you, has opened an account at Steppe with this address. Open the link to confirm that it is yours. It works for 48 hours.

    If it was not you, do nothing: without this click nothing happens.
mail-confirm-button = Confirm my address

mail-have-account-subject = You have an account already
mail-have-account-body =
    Somebody, perhaps you, tried to open an account at Steppe with this address. There is one already, so nothing was changed.

    Log in with the password you have. If you do not remember it, you can choose a new one there.
mail-have-account-button = Log in

mail-ordered-subject = Your order for { $host }
mail-ordered-body =
    Thank you: your order for { $host } is here.

    On its page you see how far it is. You get another mail when the server is ready, or when we have a question.
mail-ordered-button = See the order

mail-waitlisted-subject = { $host } is on the waiting list
mail-waitlisted-body =
    Thank you: your order for { $host } is here. All places are taken just now, so it waits in line. Your name is kept until { $until }.

    As soon as there is a place for you, you get a mail. On the order's page you see how many are before you, and you can cancel at any time.
mail-waitlisted-button = See the order

mail-server-ready-subject = { $host } is ready
mail-server-ready-body =
    Your server { $host } is up and running.

    On its page you see your first password, once, and what to do first: which apps to use, how to invite others, how to take everything with you at any time.
mail-server-ready-button = Open the server's page

mail-order-failed-subject = { $host } could not be made
mail-order-failed-body =
    We are sorry: your server { $host } could not be set up. We have been told and look into it.

    Your name is kept until { $until }. On the order's page you see what happened, and you can try again or cancel.
mail-order-failed-button = See what happened

mail-place-offered-subject = There is a place for { $host }
mail-place-offered-body =
    A place has become free, and you are the first in line: your server { $host } can be set up now.

    We keep the place for you until { $until }. After that it goes to whoever is next.
mail-place-offered-button = Take the place

mail-order-expired-subject = Your order for { $host } has ended
mail-order-expired-body =
    Your order for { $host } was open for too long, so that it has ended. Nothing was charged, and the place and the name are no longer kept for you.

    You can order again at any time.
mail-order-expired-button = Order again

mail-export-ready-subject = The copy of { $host } is ready
mail-export-ready-body =
    The copy of everything on { $host } that you asked for is complete. It is encrypted; on the page you get it and what opens it.

    If you did not ask for it, look at who is a member of your organization, and change your password.
mail-export-ready-button = Get the copy

mail-export-downloaded-subject = The copy of { $host } is being taken away
mail-export-downloaded-body =
    Somebody, hopefully you, has entered the password of an owner and may now download a copy of everything on { $host }.

    If it was not you, change your password now and end all other sessions in your account; then write to us.
mail-export-downloaded-button = See the copies

mail-paused-subject = { $host } is paused
mail-paused-body =
    { $host } has been paused by a member of your organization. Nothing is lost. Other servers keep what they have for it for about two days, and stop trying after a week.

    It can be woken up on its page at any time.
mail-paused-button = Open the server's page

mail-resumed-subject = { $host } is waking up
mail-resumed-body =
    The pause of { $host } has been ended by a member of your organization. It is up again in a minute, unless something else holds it; its page says so.
mail-resumed-button = Open the server's page

mail-closing-subject = { $host } is being closed
mail-closing-body =
    { $host } is being closed by a member of your organization: it is stopped now, and a last copy of everything is made. You get a mail when it is complete.

    This can be taken back on its page until { $until }. After that its data are destroyed.
mail-closing-button = Open the server's page

mail-reopened-subject = { $host } is not closed after all
mail-reopened-body =
    The closing of { $host } has been taken back by a member of your organization. It is up again in a minute, unless something else holds it; its page says so.
mail-reopened-button = Open the server's page

mail-server-closed-subject = { $host } is closed
mail-server-closed-body =
    { $host } has been closed and its last copy is complete. Its address now says so to visitors and to other servers.

    You can take this back until { $until }, and get the copy for longer. After that its data are destroyed.
mail-server-closed-button = Open the server's page

mail-operation-failed-subject = Given up: { $kind } for { $host } ({ $reason })
mail-operation-failed-body =
    { $operation } ({ $kind }) for { $host } has been given up.

    { $reason }: { $message }

    It stays in the list of failed operations until somebody tries it again or puts it aside.
mail-operation-failed-button = See the operation

mail-operations-stuck-subject =
    { $count ->
        [one] An operation takes longer than 15 minutes
       *[other] { $count } operations take longer than 15 minutes
    }
mail-operations-stuck-body =
    They go on being tried; nobody is told again.

    { $list }
mail-operations-stuck-button = See what is being done

mail-cell-refused-subject = Nothing is written to cell { $cell } any more ({ $reason })
mail-cell-refused-body =
    Something is wrong with cell { $cell }, and until a person has looked, nothing is written to it. Its servers go on running as they are; what is asked of them waits.

    { $reason }: { $message }

    docs/operating.md says what to do.
mail-cell-refused-button = See the cells

mail-order-approved-subject = Your order for { $host } goes ahead
mail-order-approved-body =
    We have looked at your order for { $host } and are glad to have you: the server is being set up now.

    You get another mail when it is ready.
mail-order-approved-button = See the order

mail-order-declined-subject = Your order for { $host } was declined
mail-order-declined-body =
    We have looked at your order for { $host } and do not take it on. Nothing was charged, and nothing is kept.

    { $reason }

    If you think that this is a mistake, please answer to this mail.
mail-order-declined-button = See the order

mail-held-subject = { $host } has been stopped by us
mail-held-body =
    We have stopped { $host } or limited what it does. This is why:

    { $reason }

    Nothing is lost, and you can take your data with you at any time. If you think that this is a mistake, please answer to this mail.
mail-held-button = Open the server's page

mail-hold-lifted-subject = { $host } is no longer stopped by us
mail-hold-lifted-body =
    We have lifted what we had placed on { $host }. It is up again in a minute, unless something else holds it; its page says so.

    The reason had been: { $reason }
mail-hold-lifted-button = Open the server's page

mail-report-received-subject = We have your report about { $host }
mail-report-received-body =
    Thank you for your report about { $host }. One of us reads it and decides what is to be done; you get a mail then.

    If you did not report anything, somebody else has entered your address, and you need do nothing.
mail-report-received-button = Report something else

mail-report-answered-subject = Your report about { $host }
mail-report-answered-body =
    You reported something on { $host }. This is our answer:

    { $answer }
mail-report-answered-button = Report something else

mail-report-filed-subject = Abuse reported: { $category } on { $host }
mail-report-filed-body =
    Somebody has reported { $category } on { $host }. What exactly is on the report's page.
mail-report-filed-button = See the report
