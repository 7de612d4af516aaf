order-title = Server bestellen
order-nothing = Zurzeit kann nichts bestellt werden
order-nothing-help = Wir haben gerade keine Angebote. Schau bitte später wieder vorbei.
order-offer = Was soll es sein?
order-full = Voll: du kommst auf die Warteliste
order-approval = Wir sehen uns jede Bestellung erst an
order-at-once = In etwa einer Minute bereit
order-name = Wie soll er heißen?
order-name-help = Der Name ist Teil jeder Adresse auf deinem Server. Er lässt sich später nicht ändern und wird nie an andere vergeben.
order-label = Name
order-zone = Endung
order-check = Ist er frei?
order-free = Dieser Name ist frei.
order-owner = Wem wird er gehören?
order-owner-help = Das erste Konto auf dem Server. Es darf dort alles.
order-handle = Kontoname
order-email = E-Mail-Adresse
order-for = Bestellen für
order-agree = Ich habe den Preis oben gelesen und stimme den Nutzungsbedingungen und dem Vertrag zur Auftragsverarbeitung zu.
order-do = Zu diesen Bedingungen bestellen
order-leave = Du kannst den Server jederzeit schließen und alles mitnehmen.
order-of = Bestellung: { $host }
order-done = Dein Server ist bereit.
order-position =
    { $count ->
        [1] Du bist als Nächstes dran.
       *[other] Du bist Nummer { $count } auf der Warteliste.
    }
order-to-server = Zu deinem Server
order-accept = Den Platz nehmen
order-retry = Noch einmal versuchen
order-cancel = Bestellung stornieren
order-again = Server bestellen
order-facts = Was bestellt wurde
order-correct = Falsche E-Mail-Adresse?
order-correct-do = Berichtigen
price-free = Kostenlos
price-month-inclusive = { $price } im Monat, inklusive Steuer
price-month-exclusive = { $price } im Monat, zuzüglich Steuer
price-year-inclusive = { $price } im Jahr, inklusive Steuer
price-year-exclusive = { $price } im Jahr, zuzüglich Steuer

field-offer-needed = Bitte wähle eines aus.
field-label-length = Ein Name hat 3 bis 40 Zeichen.
field-label-characters = Bitte nur die Buchstaben a bis z, Ziffern und Bindestriche.
field-label-edge = Ein Name beginnt und endet nicht mit einem Bindestrich.
field-label-encoded = Zwei Bindestriche an dritter und vierter Stelle sind für kodierte Namen vorgesehen.
field-label-digits = Es muss ein Buchstabe dabei sein.
field-label-reserved = Dieser Name ist dem Dienst selbst vorbehalten.
field-label-zone = Mit dieser Endung ist der Name zu lang.
field-label-taken = Dieser Name ist vergeben. Namen werden ein für alle Mal vergeben.
field-handle-form = Bitte 1 bis 30 Kleinbuchstaben, Ziffern und Unterstriche.
field-handle-owner = Das ist das Konto des Besitzers, das es schon gibt.
field-typed-name = Das ist nicht der Name des Servers.
field-recipient-form = Ein öffentlicher Schlüssel von age beginnt mit age1 und hat 62 Zeichen.
field-text-empty = Bitte schreib etwas.
field-text-too-long = Das ist zu lang.
field-text-characters = Darin sind Zeichen, die sich nicht anzeigen lassen.
