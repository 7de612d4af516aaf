# Mails: Betreff, Text (Absätze durch Leerzeilen getrennt) und was auf dem Knopf mit dem Link steht.
mail-greeting = Hallo { $name },
mail-footer = Diese Mail kommt von Steppe. Wir betreiben Server für Gemeinschaften.

mail-confirm-subject = Bitte bestätige deine Adresse
mail-confirm-body =
    Jemand, hoffentlich du, hat bei Steppe ein Konto mit dieser Adresse eröffnet. Öffne den Link, um zu bestätigen, dass sie dir gehört. Er gilt 48 Stunden.

    Wenn du das nicht warst, brauchst du nichts zu tun: Ohne diesen Klick passiert nichts.
mail-confirm-button = Meine Adresse bestätigen

mail-have-account-subject = Du hast schon ein Konto
mail-have-account-body =
    Jemand, vielleicht du, wollte bei Steppe ein Konto mit dieser Adresse eröffnen. Es gibt schon eines, darum wurde nichts geändert.

    Melde dich mit deinem Passwort an. Wenn du es nicht mehr weißt, kannst du dort ein neues wählen.
mail-have-account-button = Anmelden

mail-ordered-subject = Deine Bestellung für { $host }
mail-ordered-body =
    Danke, deine Bestellung für { $host } ist da.

    Auf ihrer Seite siehst du, wie weit sie ist. Du bekommst eine weitere Mail, wenn der Server bereit ist oder wenn wir eine Frage haben.
mail-ordered-button = Bestellung ansehen

mail-waitlisted-subject = { $host } steht auf der Warteliste
mail-waitlisted-body =
    Danke, deine Bestellung für { $host } ist da. Im Moment sind alle Plätze belegt, darum wartet sie. Dein Name bleibt bis { $until } für dich reserviert.

    Sobald es einen Platz für dich gibt, bekommst du eine Mail. Auf der Seite der Bestellung siehst du, wie viele vor dir sind, und kannst jederzeit abbrechen.
mail-waitlisted-button = Bestellung ansehen

mail-server-ready-subject = { $host } ist bereit
mail-server-ready-body =
    Dein Server { $host } läuft.

    Auf seiner Seite siehst du einmalig dein erstes Passwort und was als Erstes zu tun ist: welche Apps du nutzen kannst, wie du andere einlädst, wie du jederzeit alles mitnimmst.
mail-server-ready-button = Seite des Servers öffnen

mail-order-failed-subject = { $host } konnte nicht eingerichtet werden
mail-order-failed-body =
    Es tut uns leid: Dein Server { $host } konnte nicht eingerichtet werden. Wir wissen Bescheid und sehen nach.

    Dein Name bleibt bis { $until } für dich reserviert. Auf der Seite der Bestellung siehst du, was passiert ist, und kannst es noch einmal versuchen oder abbrechen.
mail-order-failed-button = Nachsehen, was passiert ist

mail-place-offered-subject = Es gibt einen Platz für { $host }
mail-place-offered-body =
    Ein Platz ist frei geworden, und du bist als Nächstes dran: Dein Server { $host } kann jetzt eingerichtet werden.

    Wir halten den Platz bis { $until } für dich frei. Danach bekommt ihn, wer als Nächstes wartet.
mail-place-offered-button = Platz annehmen

mail-order-expired-subject = Deine Bestellung für { $host } ist abgelaufen
mail-order-expired-body =
    Deine Bestellung für { $host } war zu lange offen und ist darum abgelaufen. Es wurde nichts berechnet; Platz und Name werden nicht mehr für dich freigehalten.

    Du kannst jederzeit neu bestellen.
mail-order-expired-button = Neu bestellen

mail-export-ready-subject = Die Kopie von { $host } ist fertig
mail-export-ready-body =
    Die Kopie von allem auf { $host }, um die du gebeten hast, ist vollständig. Sie ist verschlüsselt; auf der Seite bekommst du sie und das, womit sie sich öffnen lässt.

    Wenn du nicht darum gebeten hast, sieh nach, wer Mitglied deiner Organisation ist, und ändere dein Passwort.
mail-export-ready-button = Kopie holen

mail-export-downloaded-subject = Die Kopie von { $host } wird geholt
mail-export-downloaded-body =
    Jemand, hoffentlich du, hat das Passwort eines Inhabers eingegeben und kann jetzt eine Kopie von allem auf { $host } herunterladen.

    Wenn du das nicht warst, ändere sofort dein Passwort und beende in deinem Konto alle anderen Sitzungen; schreib uns dann.
mail-export-downloaded-button = Kopien ansehen

mail-paused-subject = { $host } macht Pause
mail-paused-body =
    Ein Mitglied deiner Organisation hat { $host } angehalten. Es geht nichts verloren. Andere Server heben etwa zwei Tage auf, was sie für ihn haben, und hören nach einer Woche auf, es zu versuchen.

    Auf seiner Seite lässt er sich jederzeit wieder wecken.
mail-paused-button = Seite des Servers öffnen

mail-resumed-subject = { $host } wacht auf
mail-resumed-body =
    Ein Mitglied deiner Organisation hat die Pause von { $host } beendet. In einer Minute läuft er wieder, wenn ihn nichts anderes anhält; seine Seite sagt es.
mail-resumed-button = Seite des Servers öffnen

mail-closing-subject = { $host } wird geschlossen
mail-closing-body =
    Ein Mitglied deiner Organisation schließt { $host }: Er wird jetzt angehalten, und eine letzte Kopie von allem entsteht. Du bekommst eine Mail, wenn sie vollständig ist.

    Bis { $until } lässt sich das auf seiner Seite rückgängig machen. Danach werden die Daten vernichtet.
mail-closing-button = Seite des Servers öffnen

mail-reopened-subject = { $host } wird doch nicht geschlossen
mail-reopened-body =
    Ein Mitglied deiner Organisation hat die Schließung von { $host } rückgängig gemacht. In einer Minute läuft er wieder, wenn ihn nichts anderes anhält; seine Seite sagt es.
mail-reopened-button = Seite des Servers öffnen

mail-server-closed-subject = { $host } ist geschlossen
mail-server-closed-body =
    { $host } wurde geschlossen, und die letzte Kopie ist vollständig. Unter der Adresse erfahren das Besucher und andere Server.

    Bis { $until } kannst du das rückgängig machen, die Kopie bekommst du noch länger. Danach werden die Daten vernichtet.
mail-server-closed-button = Seite des Servers öffnen

mail-operation-failed-subject = Aufgegeben: { $kind } für { $host } ({ $reason })
mail-operation-failed-body =
    { $operation } ({ $kind }) für { $host } wurde aufgegeben.

    { $reason }: { $message }

    Der Vorgang bleibt in der Liste der gescheiterten, bis ihn jemand noch einmal versucht oder beiseitelegt.
mail-operation-failed-button = Vorgang ansehen

mail-operations-stuck-subject =
    { $count ->
        [one] Ein Vorgang dauert länger als 15 Minuten
       *[other] { $count } Vorgänge dauern länger als 15 Minuten
    }
mail-operations-stuck-body =
    Sie werden weiter versucht; eine zweite Nachricht gibt es nicht.

    { $list }
mail-operations-stuck-button = Nachsehen, was läuft

mail-cell-refused-subject = In die Zelle { $cell } wird nichts mehr geschrieben ({ $reason })
mail-cell-refused-body =
    Mit der Zelle { $cell } stimmt etwas nicht, und bis jemand nachgesehen hat, wird nichts in sie geschrieben. Ihre Server laufen weiter, wie sie sind; was von ihnen gewünscht wird, wartet.

    { $reason }: { $message }

    Was zu tun ist, steht in docs/operating.md.
mail-cell-refused-button = Zellen ansehen

mail-order-approved-subject = Deine Bestellung für { $host } geht los
mail-order-approved-body =
    Wir haben uns deine Bestellung für { $host } angesehen und freuen uns auf dich: Der Server wird jetzt eingerichtet.

    Sobald er bereit ist, bekommst du noch eine Mail.
mail-order-approved-button = Bestellung ansehen

mail-order-declined-subject = Deine Bestellung für { $host } wurde abgelehnt
mail-order-declined-body =
    Wir haben uns deine Bestellung für { $host } angesehen und nehmen sie nicht an. Es wurde nichts berechnet, und nichts wird behalten.

    { $reason }

    Wenn du das für einen Irrtum hältst, antworte bitte auf diese Mail.
mail-order-declined-button = Bestellung ansehen

mail-held-subject = Wir haben { $host } angehalten
mail-held-body =
    Wir haben { $host } angehalten oder eingeschränkt. Das ist der Grund:

    { $reason }

    Es geht nichts verloren, und du kannst deine Daten jederzeit mitnehmen. Wenn du das für einen Irrtum hältst, antworte bitte auf diese Mail.
mail-held-button = Seite des Servers öffnen

mail-hold-lifted-subject = { $host } ist nicht mehr von uns angehalten
mail-hold-lifted-body =
    Wir haben aufgehoben, was wir über { $host } verhängt hatten. In einer Minute läuft er wieder, wenn ihn nichts anderes anhält; das steht auf seiner Seite.

    Der Grund war: { $reason }
mail-hold-lifted-button = Seite des Servers öffnen

mail-report-received-subject = Wir haben deine Meldung zu { $host }
mail-report-received-body =
    Danke für deine Meldung zu { $host }. Jemand von uns liest sie und entscheidet, was zu tun ist; dann bekommst du eine Mail.

    Wenn du nichts gemeldet hast, hat jemand anders deine Adresse eingetragen, und du brauchst nichts zu tun.
mail-report-received-button = Etwas anderes melden

mail-report-answered-subject = Deine Meldung zu { $host }
mail-report-answered-body =
    Du hast etwas auf { $host } gemeldet. Das ist unsere Antwort:

    { $answer }
mail-report-answered-button = Etwas anderes melden

mail-report-filed-subject = Missbrauch gemeldet: { $category } auf { $host }
mail-report-filed-body =
    Jemand hat { $category } auf { $host } gemeldet. Was genau, steht auf der Seite der Meldung.
mail-report-filed-button = Meldung ansehen
