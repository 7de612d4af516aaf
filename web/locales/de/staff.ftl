# Team.
staff = Team
staff-log-in = Anmeldung für das Team
staff-code = Code aus deiner Authenticator-App
staff-home = Was Aufmerksamkeit braucht
staff-start = Überblick
staff-to-home = Zum Überblick
staff-nothing = Gerade braucht dich nichts.
staff-look = Ansehen
staff-figures = Zahlen
staff-figure-servers = Server
staff-figure-workers = Laufende Arbeiter
staff-figure-holds = Von uns oder dem Recht angehalten
staff-figure-mails = Zu sendende Mails
staff-figure-outbox = Leser des Postausgangs
staff-outbox-level = Keiner hält einen Platz; Seiten lesen laufend mit.
staff-outbox-reader = { $reader }: { $count } zurück.
staff-orders = Bestellungen
staff-order = Bestellung
staff-waitlist = Warteliste
staff-holds = Sperren
staff-hold = Sperre
staff-reports = Missbrauch
staff-report = Meldung
staff-operations = Vorgänge
staff-operation = Vorgang
staff-cells = Zellen
staff-cell = Zelle
staff-audit = Protokoll
staff-audit-of = Alles davon im Protokoll
staff-all = Alle
staff-search = Suchen
staff-search-organizations = Name, oder Mailadresse von jemandem
staff-search-servers = Name des Servers
staff-none = Hier ist nichts.
staff-server = Server
staff-organization = Organisation
staff-size = Größe
staff-state = Zustand
staff-since = Seit
staff-until = bis { $time }
staff-ends = Endet
staff-why = Grund
staff-id = Kennung
staff-name = Name
staff-role = Rolle
staff-people = Menschen
staff-personal = eigene
staff-deleted = gelöscht
staff-unconfirmed = nicht bestätigt
staff-open-orders = Offene Bestellungen
staff-of-limit = { $count } von { $limit }
staff-limit-title = Wie viele Server sie haben darf
staff-limit = Höchstens so viele Server
staff-limit-hint = Offene Bestellungen zählen mit. Vorhandene Server bleiben, wenn es weniger ist.
staff-orderer = Bestellt von
staff-position = Platz
staff-approve = Freigeben
staff-decline = Ablehnen
staff-decline-title = Diese Bestellung ablehnen
staff-decline-reason = Warum
staff-decline-reason-hint = Das liest, wer bestellt hat.
staff-money = Abonnement
staff-mode-seen = Betriebsart in der Zelle
staff-revision = Wunsch geschrieben / ausgeführt
staff-purge-after = Daten dürfen vernichtet werden ab
staff-purged = Daten vernichtet
staff-reports-count = { $open } offen von { $all }
staff-hold-kind = Art
staff-hold-reason = Warum
staff-hold-reason-hint = Das lesen die Leute des Servers, auf seiner Seite und per Mail.
staff-hold-until = Endet von selbst am (kann leer bleiben)
staff-hold-place = Eine Sperre setzen
staff-hold-do = Setzen
staff-hold-change = Angaben ändern
staff-hold-lift = Aufheben
staff-hold-lift-help = Andere Sperren des Servers bleiben. Seine Leute bekommen eine Mail.
staff-hold-lift-why = Warum, nur für uns (kann leer bleiben)
staff-hold-lift-do = Diese Sperre aufheben
staff-hold-lifted = Zu Ende seit { $time }.
staff-holds-none = Kein Server ist gesperrt.
staff-over = Zu Ende
staff-in-force = In Kraft
hold-kind-staff = Von uns
hold-kind-staff-choice = Von uns: Missbrauch, oder etwas, das wir ansehen müssen
hold-kind-legal = Von Rechts wegen
hold-kind-legal-choice = Von Rechts wegen: steht still, und die Daten müssen bleiben
hold-kind-customer = Von seinen Leuten pausiert
hold-kind-capacity = Kein Platz mehr
hold-kind-capacity-choice = Kein Platz mehr: lesbar, nimmt nichts an
staff-zone = Zone
staff-cluster = Cluster
staff-cluster-none = Noch nicht erreicht
staff-cell-seen = Zuletzt erreicht
staff-cell-lost-since = Seit { $time } nicht.
staff-cell-refused = Es wird nichts hingeschrieben
staff-cell-lost = Nicht erreichbar
staff-cell-open = Nimmt neue Server
staff-cell-closed = Nimmt keine neuen Server
staff-cell-close = Keine neuen Server hier
staff-cell-reopen = Neue Server hier
staff-cell-breaker = Hier wird nichts vernichtet:
staff-cells-none = Noch keine Zelle. Füge eine hinzu mit: steppe admin cells add
staff-taken = Belegt
staff-places = Plätze
staff-said = Die Zelle sagt
staff-granted = Wir gewähren
staff-unlimited = ohne Grenze
staff-room-label = Plätze für { $size } in { $cell }
staff-room-help = Ein leeres Feld heißt: so viele, wie die Zelle sagt. Mit mehr Platz bekommt, wer am längsten wartet, für 72 Stunden einen Platz angeboten. Mit weniger muss niemand gehen.
staff-tries = Versuche
staff-asked-by = Gewünscht von
staff-asked-at = Gewünscht
staff-on-repeat = Was eine Wiederholung tut
operation-repeat-instance-create = Das Objekt heißt nach dem Server: Eine Wiederholung findet es und schreibt denselben Wunsch. Geboren wird er einmal, in der Zelle.
operation-repeat-instance-apply = Alles wird neu gelesen und ganz geschrieben; eine Wiederholung schreibt denselben oder einen neueren Wunsch.
operation-repeat-instance-export = Das Objekt heißt nach dem Bündel: Eine Wiederholung findet es und wartet weiter. Die Zelle macht beim letzten vollständigen Abschnitt weiter.
operation-repeat-instance-account = Das Objekt heißt nach der Änderung: Eine Wiederholung findet es. Die Zelle macht dafür ein einziges Passwort und antwortet dasselbe.
operation-repeat-instance-close = Der Modus wird noch einmal geschrieben, wie er ist; das letzte Bündel heißt nach seiner Zeile und wird wiedergefunden.
operation-repeat-instance-reopen = Der Modus wird berechnet und noch einmal geschrieben; eine Wiederholung nach dem Erfolg ändert nichts.
staff-retry = Noch einmal versuchen
staff-lay-aside = Beiseitelegen
staff-lag = Wie weit andere zurück sind
staff-lag-newest = Neuester Eintrag im Postausgang
staff-mails-failed = Aufgegebene Mails
staff-subject = Woran sonst
staff-not-before = Nicht vor
staff-waitlist-none = Niemand wartet.
staff-waitlist-help = Mehr Platz gibt es unter
staff-offered = Angebotene Plätze
staff-category = Worum
staff-reporter = Gemeldet von
staff-not-ours = keiner von unseren
staff-handled-by = Zuletzt bearbeitet von
staff-report-text = Was gemeldet wurde
staff-last-answer = Letzte Antwort
staff-report-reopen = Wieder aufnehmen
staff-report-answer = Antworten
staff-answer = Mail an den Menschen, der gemeldet hat
staff-answer-hint = Geht so hinaus, wie es hier steht. Kann leer bleiben, wenn du die Meldung nur schließt oder den Server anhältst.
staff-answer-do = Antwort senden
staff-dismiss = Schließen, ohne etwas zu tun
staff-report-hold = Den Server anhalten
staff-report-hold-help = Seine Leute lesen den Grund, nicht, wer gemeldet hat. Die Meldung wird geschlossen.
staff-report-hold-do = Anhalten und Meldung schließen
report-state-open = Offen
report-state-answered = Beantwortet
report-state-closed = Geschlossen
report-decision-dismissed = nichts getan
report-decision-held = Server angehalten
order-state-approval = Wartet auf uns
order-state-failed = Gescheitert
order-state-waitlisted = Wartet auf einen Platz
order-state-offered = Platz angeboten
order-state-provisioning = Wird eingerichtet
order-state-done = Fertig
order-state-declined = Abgelehnt
order-state-cancelled = Storniert
order-state-expired = Abgelaufen
operation-state-failed = Aufgegeben
operation-state-open = Unterwegs
operation-state-queued = Wartet auf einen Arbeiter
operation-state-running = Läuft
operation-state-waiting = Wartet auf etwas
operation-state-succeeded = Fertig
operation-state-cancelled = Abgebrochen
entitlement-full = Alles
entitlement-read-only = Nur lesen
entitlement-none = Nichts
trail-staff = Team
trail-token = ein Programm
trail-account = Kundschaft
told-answered = Die Antwort ist unterwegs.
told-approved = Die Bestellung geht los; der Server wird eingerichtet.
told-declined = Die Bestellung ist abgelehnt; Platz und Name sind frei.
told-held = Die Sperre ist in Kraft. Die Leute des Servers bekommen eine Mail.
told-hold-lifted = Die Sperre ist aufgehoben.
told-report-closed = Die Meldung ist geschlossen.
told-retried = Es wird noch einmal versucht.
field-hold-kind = Bitte wähle eine Art, die wir setzen können.
field-hold-end = Das ist kein Tag, der noch kommt.
field-hold-legal-end = Eine Sperre von Rechts wegen hat kein Ende; sie wird aufgehoben, wenn das Recht es sagt.
field-cell-name = Kleine Buchstaben, Ziffern und Bindestriche, höchstens 40, am Anfang ein Buchstabe.
field-cell-zone = Server dürfen nicht neben dem Dashboard wohnen: Wähle eine Zone außerhalb seiner Domain.
field-cell-taken = Eine Zelle dieses Namens gibt es schon.
field-cell-places = Eine Zahl von 0 bis 999.999, oder nichts.
field-size-unknown = Diese Größe gibt es nicht.
field-server-limit = Eine Zahl von 0 bis 10.000.
staff-mails-waiting =
    { $count ->
        [one] { $count } Mail wartet.
       *[other] { $count } Mails warten.
    }
staff-mails-oldest =
    { $count ->
        [one] Die älteste wartet seit einer Sekunde.
       *[other] Die älteste wartet seit { $count } Sekunden.
    }
staff-lag-behind =
    { $count ->
        [one] { $count } Eintrag zurück
       *[other] { $count } Einträge zurück
    }
need-workers =
    { $count ->
        [one] Kein Arbeiter läuft: Es wird nichts ausgeführt
       *[other] Kein Arbeiter läuft: Es wird nichts ausgeführt
    }
need-cells-refused =
    { $count ->
        [one] In eine Zelle wird nichts geschrieben
       *[other] In { $count } Zellen wird nichts geschrieben
    }
need-cells-lost =
    { $count ->
        [one] Eine Zelle ist nicht erreichbar
       *[other] { $count } Zellen sind nicht erreichbar
    }
need-breaker =
    { $count ->
        [one] In einer Zelle wird nichts mehr vernichtet
       *[other] In { $count } Zellen wird nichts mehr vernichtet
    }
need-dead =
    { $count ->
        [one] Ein Vorgang wurde aufgegeben
       *[other] { $count } Vorgänge wurden aufgegeben
    }
need-stuck =
    { $count ->
        [one] Ein Vorgang dauert länger als 15 Minuten
       *[other] { $count } Vorgänge dauern länger als 15 Minuten
    }
need-reports =
    { $count ->
        [one] Eine Meldung von Missbrauch wartet auf eine Entscheidung
       *[other] { $count } Meldungen von Missbrauch warten auf eine Entscheidung
    }
need-approvals =
    { $count ->
        [one] Eine Bestellung wartet auf uns
       *[other] { $count } Bestellungen warten auf uns
    }
need-waiting =
    { $count ->
        [one] Jemand wartet auf einen Platz
       *[other] { $count } Bestellungen warten auf einen Platz
    }
need-full =
    { $count ->
        [one] Eine Zelle hat für eine Größe keinen Platz
       *[other] { $count } Zellen haben für eine Größe keinen Platz
    }
need-mails =
    { $count ->
        [one] Eine Mail wartet lange
       *[other] { $count } Mails warten, manche lange
    }
need-mails-failed =
    { $count ->
        [one] Eine Mail wurde aufgegeben
       *[other] { $count } Mails wurden aufgegeben
    }
need-outbox =
    { $count ->
        [one] Ein Leser des Postausgangs ist weit zurück
       *[other] { $count } Leser des Postausgangs sind weit zurück
    }
field-state-unknown = Diesen Zustand gibt es nicht.
field-action-unknown = Diese Handlung gibt es nicht.
field-id-form = Das ist keine Kennung dieser Art.
field-time-form = Eine Zeit sieht aus wie 2026-12-24T18:00:00Z.
