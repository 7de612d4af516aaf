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

mail-ordered-subject = Your order for { $hostname }
mail-ordered-body =
    Thank you: your order for { $hostname } is here.

    On its page you see how far it is. You get another mail when the server is ready, or when we have a question.
mail-ordered-button = See the order

mail-waitlisted-subject = { $hostname } is on the waiting list
mail-waitlisted-body =
    Thank you: your order for { $hostname } is here. All places are taken just now, so it waits in line. Your name is kept until { $until }.

    As soon as there is a place for you, you get a mail. On the order's page you see how many are before you, and you can cancel at any time.
mail-waitlisted-button = See the order

mail-server-ready-subject = { $hostname } is ready
mail-server-ready-body =
    Your server { $hostname } is up and running.

    On its page you see your first password, once, and what to do first: which apps to use, how to invite others, how to take everything with you at any time.
mail-server-ready-button = Open the server's page

mail-order-failed-subject = { $hostname } could not be made
mail-order-failed-body =
    We are sorry: your server { $hostname } could not be set up. We have been told and look into it.

    Your name is kept until { $until }. On the order's page you see what happened, and you can try again or cancel.
mail-order-failed-button = See what happened

mail-place-offered-subject = There is a place for { $hostname }
mail-place-offered-body =
    A place has become free, and you are the first in line: your server { $hostname } can be set up now.

    We keep the place for you until { $until }. After that it goes to whoever is next.
mail-place-offered-button = Take the place

mail-order-expired-subject = Your order for { $hostname } has ended
mail-order-expired-body =
    Your order for { $hostname } was open for too long, so that it has ended. Nothing was charged, and the place and the name are no longer kept for you.

    You can order again at any time.
mail-order-expired-button = Order again

mail-export-ready-subject = The copy of { $hostname } is ready
mail-export-ready-body =
    The copy of everything on { $hostname } that you asked for is complete. It is encrypted; on the page you get it and what opens it.

    If you did not ask for it, look at who is a member of your organization, and change your password.
mail-export-ready-button = Get the copy

mail-export-downloaded-subject = The copy of { $hostname } is being taken away
mail-export-downloaded-body =
    Somebody, hopefully you, has entered the password of an owner and may now download a copy of everything on { $hostname }.

    If it was not you, change your password now and end all other sessions in your account; then write to us.
mail-export-downloaded-button = See the copies

mail-paused-subject = { $hostname } is paused
mail-paused-body =
    { $hostname } has been paused by a member of your organization. Nothing is lost. Other servers keep what they have for it for about two days, and stop trying after a week.

    It can be woken up on its page at any time.
mail-paused-button = Open the server's page

mail-resumed-subject = { $hostname } is waking up
mail-resumed-body =
    The pause of { $hostname } has been ended by a member of your organization. It is up again in a minute, unless something else holds it; its page says so.
mail-resumed-button = Open the server's page

mail-closing-subject = { $hostname } is being closed
mail-closing-body =
    { $hostname } is being closed by a member of your organization: it is stopped now, and a last copy of everything is made. You get a mail when it is complete.

    This can be taken back on its page until { $until }. After that its data are destroyed.
mail-closing-button = Open the server's page

mail-reopened-subject = { $hostname } is not closed after all
mail-reopened-body =
    The closing of { $hostname } has been taken back by a member of your organization. It is up again in a minute, unless something else holds it; its page says so.
mail-reopened-button = Open the server's page

mail-server-closed-subject = { $hostname } is closed
mail-server-closed-body =
    { $hostname } has been closed and its last copy is complete. Its address now says so to visitors and to other servers.

    You can take this back until { $until }, and get the copy for longer. After that its data are destroyed.
mail-server-closed-button = Open the server's page

mail-operation-failed-subject = Given up: { $kind } for { $hostname } ({ $reason })
mail-operation-failed-body =
    { $operation } ({ $kind }) for { $hostname } has been given up.

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
