# Mails zu Konten und Organisationen.
mail-reset-subject = Wähle ein neues Passwort
mail-reset-body =
    Jemand, hoffentlich du, hat ein neues Passwort für dein Konto bei Steppe angefordert. Öffne den Link, um eines zu wählen. Er gilt einmal, innerhalb einer Stunde.

    Wenn du es nicht warst, tu nichts: Dein Passwort bleibt, wie es ist.
mail-reset-button = Neues Passwort wählen

mail-password-changed-subject = Dein Passwort wurde geändert
mail-password-changed-body =
    Das Passwort deines Kontos bei Steppe wurde eben geändert, und alle anderen Browser wurden abgemeldet. Downloads pausieren für einen Tag.

    Wenn du es nicht warst, wähle jetzt ein neues Passwort und schreib an { $support }.
mail-password-changed-button = Ich war es nicht: neues Passwort wählen

mail-change-email-subject = Bitte bestätige deine neue Adresse
mail-change-email-body =
    Du möchtest diese Adresse für dein Konto bei Steppe verwenden. Öffne den Link in dem Browser, in dem du angemeldet bist. Er gilt { $hours } Stunden lang.

    Wenn du davon nichts weißt, tu nichts: Ohne diesen Klick ändert sich nichts.
mail-change-email-button = Zu dieser Adresse wechseln

mail-email-changed-subject = Deine E-Mail-Adresse wurde geändert
mail-email-changed-body =
    Dein Konto bei Steppe hat eine neue E-Mail-Adresse: { $email }. Von jetzt an gehen alle Mails dorthin, und Downloads pausieren für einen Tag.

    Wenn du es nicht warst, schreib sofort an { $support }.
mail-email-changed-button = Dein Konto

mail-invite-subject = { $inviter } lädt dich zu { $organization } ein
mail-invite-body =
    { $inviter } lädt dich ein, bei Steppe der Organisation { $organization } beizutreten und gemeinsam Server zu betreiben. Deine Rolle wäre: { $role ->
        [admin] Verwaltung
        [moderator] Moderation
        [billing] Abrechnung
       *[owner] Eigentümer
    }.

    Der Link gilt { $days } Tage lang. Beitreten kannst du mit einem Konto, das diese Adresse hat; wenn du noch keines hast, kannst du dort eines anlegen.

    Wenn du { $inviter } nicht kennst, tu nichts.
mail-invite-button = Einladung ansehen

mail-joined-subject = { $person } ist { $organization } beigetreten
mail-joined-body =
    { $person } ({ $email }) hat deine Einladung angenommen und ist jetzt Mitglied von { $organization }.

    Wenn du das nicht erwartet hast, sieh nach, wer Mitglied ist.
mail-joined-button = Mitglieder ansehen

mail-ownership-subject = { $organization } gehört jetzt dir
mail-ownership-body =
    { $from } hat { $organization } mit allen Servern an dich weitergegeben. Von jetzt an entscheidest du dort über alles.

    { $from } bleibt in der Verwaltung, bis du das änderst.
mail-ownership-button = Organisation öffnen

mail-token-created-subject = Ein neues Token für { $organization }
mail-token-created-body =
    In deinem Namen wurde ein Token für Programme gemacht: „{ $token }“, für { $organization }, gültig für { $days } Tage.

    Wenn du es nicht warst, widerrufe es, ändere dein Passwort und melde in deinem Konto alle anderen Browser ab.
mail-token-created-button = Tokens ansehen

mail-account-deleted-subject = Dein Konto ist gelöscht
mail-account-deleted-body =
    Dein Konto bei Steppe ist gelöscht. Dein Name und deine Adresse sind aus unseren Unterlagen entfernt; dies ist die letzte Mail von uns.

    Wenn du es nicht warst, schreib sofort an { $support }.
mail-account-deleted-button = Steppe
