# Staff.
staff = Staff
staff-log-in = Staff log-in
staff-code = Code from your authenticator app
staff-home = What needs attention
staff-start = Overview
staff-to-home = To the overview
staff-nothing = Nothing needs you just now.
staff-look = Look
staff-figures = Figures
staff-figure-servers = Servers
staff-figure-workers = Workers that run
staff-figure-holds = Servers held by us or by law
staff-figure-mails = Mails to be sent
staff-figure-outbox = Readers of the outbox
staff-outbox-level = None keeps a place; pages read as they come.
staff-outbox-reader = { $reader }: { $count } behind.
staff-orders = Orders
staff-order = Order
staff-waitlist = Waitlist
staff-holds = Holds
staff-hold = Hold
staff-reports = Abuse
staff-report = Report
staff-operations = Operations
staff-operation = Operation
staff-cells = Cells
staff-cell = Cell
staff-audit = Audit log
staff-audit-of = All of this in the audit log
staff-all = All
staff-search = Search
staff-search-organizations = Name, or somebody’s mail address
staff-search-servers = Name of the server
staff-none = There is nothing here.
staff-server = Server
staff-organization = Organization
staff-size = Size
staff-state = State
staff-since = Since
staff-until = until { $time }
staff-ends = Ends
staff-why = Reason
staff-id = Id
staff-name = Name
staff-role = Role
staff-people = People
staff-personal = own
staff-deleted = deleted
staff-unconfirmed = not confirmed
staff-open-orders = Open orders
staff-of-limit = { $count } of { $limit }
staff-limit-title = How many servers it may have
staff-limit = Servers at most
staff-limit-hint = Open orders count, too. Servers that are there stay when it is less.
staff-orderer = Ordered by
staff-position = Place
staff-approve = Approve
staff-decline = Decline
staff-decline-title = Decline this order
staff-decline-reason = Why
staff-decline-reason-hint = The customer reads this.
staff-money = Subscription
staff-mode-seen = Mode in its cell
staff-revision = Wish written / carried out
staff-purge-after = Data may be destroyed after
staff-purged = Data destroyed
staff-reports-count = { $open } open of { $all }
staff-hold-kind = Kind
staff-hold-reason = Why
staff-hold-reason-hint = The people of the server read this, on its page and by mail.
staff-hold-until = Ends by itself on (may stay empty)
staff-hold-place = Place a hold
staff-hold-do = Place it
staff-hold-change = Change what is said
staff-hold-lift = Lift it
staff-hold-lift-help = Other holds on the server stay. Its people get a mail.
staff-hold-lift-why = Why, for us only (may stay empty)
staff-hold-lift-do = Lift this hold
staff-hold-lifted = Over since { $time }.
staff-holds-none = No server is held.
staff-over = Over
staff-in-force = In force
hold-kind-staff = By us
hold-kind-staff-choice = By us: abuse, or something we must look at
hold-kind-legal = By law
hold-kind-legal-choice = By law: stands still, and its data must be kept
hold-kind-customer = Paused by its people
hold-kind-capacity = Out of room
hold-kind-capacity-choice = Out of room: can be read, takes no changes
staff-zone = Zone
staff-cluster = Cluster
staff-cluster-none = Not reached yet
staff-cell-seen = Last reached
staff-cell-lost-since = Not since { $time }.
staff-cell-refused = Nothing is written to it
staff-cell-lost = Not reachable
staff-cell-open = Takes new servers
staff-cell-closed = Takes no new servers
staff-cell-close = Place no new servers here
staff-cell-reopen = Place new servers here
staff-cell-breaker = Nothing is destroyed here:
staff-cells-none = No cell yet. Add one with: steppe admin cells add
staff-taken = Taken
staff-places = Places
staff-said = The cell says
staff-granted = We grant
staff-unlimited = no limit
staff-room-label = Places for { $size } in { $cell }
staff-room-help = An empty field means: as many as the cell says. With more room, whoever waits longest is offered a place for 72 hours. With less, nobody has to leave.
staff-tries = Tries
staff-asked-by = Asked for by
staff-asked-at = Asked for
staff-on-repeat = What a repeat does
operation-repeat-instance-create = The object is named after the server: a repeat finds it and writes the same wish. Birth happens once, in the cell.
operation-repeat-instance-apply = Everything is read anew and written whole; a repeat writes the same or a newer wish.
operation-repeat-instance-export = The object is named after the bundle: a repeat finds it and waits on. The cell goes on at the last complete segment.
operation-repeat-instance-account = The object is named after the change: a repeat finds it. The cell makes one password for it and answers the same.
operation-repeat-instance-close = The mode is written again as it is; the last bundle is named after its row and found again.
operation-repeat-instance-reopen = The mode is computed and written again; a repeat after success changes nothing.
staff-retry = Try again
staff-lay-aside = Lay aside
staff-lag = How far others are behind
staff-lag-newest = Newest fact in the outbox
staff-mails-failed = Mails given up
staff-subject = To what else
staff-not-before = Not before
staff-waitlist-none = Nobody waits.
staff-waitlist-help = More room is given in
staff-offered = Places offered
staff-category = About
staff-reporter = Reported by
staff-not-ours = not one of ours
staff-handled-by = Last handled by
staff-report-text = What was reported
staff-last-answer = Last answer
staff-report-reopen = Take it up again
staff-report-answer = Answer
staff-answer = Mail to who reported
staff-answer-hint = Goes out as it stands here. It may stay empty when you only close the report or stop the server.
staff-answer-do = Send the answer
staff-dismiss = Close without doing anything
staff-report-hold = Stop the server
staff-report-hold-help = Its people read the reason, not who reported it. The report is closed.
staff-report-hold-do = Stop it and close the report
report-state-open = Open
report-state-answered = Answered
report-state-closed = Closed
report-decision-dismissed = nothing done
report-decision-held = server stopped
order-state-approval = Waits for us
order-state-failed = Failed
order-state-waitlisted = Waits for a place
order-state-offered = Place offered
order-state-provisioning = Being set up
order-state-done = Done
order-state-declined = Declined
order-state-cancelled = Cancelled
order-state-expired = Expired
operation-state-failed = Given up
operation-state-open = Under way
operation-state-queued = Queued
operation-state-running = Running
operation-state-waiting = Waits for something
operation-state-succeeded = Done
operation-state-cancelled = Cancelled
entitlement-full = Everything
entitlement-read-only = Reading only
entitlement-none = Nothing
trail-staff = staff
trail-token = a program
trail-account = customer
told-answered = The answer is on its way.
told-approved = The order goes ahead; the server is being set up.
told-declined = The order is declined; its place and its name are free.
told-held = The hold is in force. The people of the server get a mail.
told-hold-lifted = The hold is lifted.
told-report-closed = The report is closed.
told-retried = It is tried again.
field-hold-kind = Please choose a kind that is ours to place.
field-hold-end = This is not a day to come.
field-hold-legal-end = A hold by law has no end; it is lifted when the law says so.
field-cell-name = Small letters, digits and hyphens, 40 at most, beginning with a letter.
field-cell-zone = Servers must not live beside the dashboard: choose a zone outside its domain.
field-cell-taken = There is a cell of this name.
field-cell-places = A number from 0 to 999,999, or nothing.
field-size-unknown = There is no such size.
field-server-limit = A number from 0 to 10,000.
staff-mails-waiting =
    { $count ->
        [one] { $count } mail waits.
       *[other] { $count } mails wait.
    }
staff-mails-oldest =
    { $count ->
        [one] The oldest has waited for a second.
       *[other] The oldest has waited for { $count } seconds.
    }
staff-lag-behind =
    { $count ->
        [one] { $count } fact behind
       *[other] { $count } facts behind
    }
need-workers =
    { $count ->
        [one] No worker runs: nothing is carried out
       *[other] No worker runs: nothing is carried out
    }
need-cells-refused =
    { $count ->
        [one] Nothing is written to a cell
       *[other] Nothing is written to { $count } cells
    }
need-cells-lost =
    { $count ->
        [one] A cell cannot be reached
       *[other] { $count } cells cannot be reached
    }
need-breaker =
    { $count ->
        [one] In a cell nothing is destroyed any more
       *[other] In { $count } cells nothing is destroyed any more
    }
need-dead =
    { $count ->
        [one] An operation was given up
       *[other] { $count } operations were given up
    }
need-stuck =
    { $count ->
        [one] An operation takes longer than 15 minutes
       *[other] { $count } operations take longer than 15 minutes
    }
need-reports =
    { $count ->
        [one] A report of abuse waits for a decision
       *[other] { $count } reports of abuse wait for a decision
    }
need-approvals =
    { $count ->
        [one] An order waits for us
       *[other] { $count } orders wait for us
    }
need-waiting =
    { $count ->
        [one] Somebody waits for a place
       *[other] { $count } orders wait for a place
    }
need-full =
    { $count ->
        [one] A cell has no room for some size
       *[other] { $count } cells have no room for some size
    }
need-mails =
    { $count ->
        [one] A mail waits for long
       *[other] { $count } mails wait, some for long
    }
need-mails-failed =
    { $count ->
        [one] A mail was given up
       *[other] { $count } mails were given up
    }
need-outbox =
    { $count ->
        [one] A reader of the outbox is far behind
       *[other] { $count } readers of the outbox are far behind
    }
field-state-unknown = There is no such state.
field-action-unknown = There is no such action.
field-id-form = This is not an id of this kind.
field-time-form = A time looks like 2026-12-24T18:00:00Z.
