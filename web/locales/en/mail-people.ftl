# Mails about accounts and organizations.
mail-reset-subject = Choose a new password
mail-reset-body =
    Somebody, hopefully you, asked for a new password for your account at Steppe. Open the link to choose one. It works once, within an hour.

    If it was not you, do nothing: your password stays as it is.
mail-reset-button = Choose a new password

mail-password-changed-subject = Your password was changed
mail-password-changed-body =
    The password of your account at Steppe has just been changed, and all other browsers were logged out. Downloads pause for a day.

    If it was not you, choose a new password now, and write to { $support }.
mail-password-changed-button = It was not me: choose a new password

mail-change-email-subject = Please confirm your new address
mail-change-email-body =
    You want to use this address for your account at Steppe. Open the link in the browser in which you are logged in. It works within { $hours } hours.

    If you know nothing of this, do nothing: without this click nothing changes.
mail-change-email-button = Change to this address

mail-email-changed-subject = Your mail address was changed
mail-email-changed-body =
    Your account at Steppe has a new mail address: { $email }. From now on all mail goes there, and downloads pause for a day.

    If it was not you, write to { $support } at once.
mail-email-changed-button = Your account

mail-invite-subject = { $inviter } invites you to { $organization }
mail-invite-body =
    { $inviter } invites you to join { $organization } at Steppe, to run servers together. Your role would be: { $role ->
        [admin] administrator
        [moderator] moderator
        [billing] billing
       *[owner] owner
    }.

    The link works for { $days } days. You can join with an account that has this address; if you have none yet, you can make one there.

    If you do not know { $inviter }, do nothing.
mail-invite-button = Look at the invitation

mail-joined-subject = { $person } has joined { $organization }
mail-joined-body =
    { $person } ({ $email }) has accepted your invitation and is now a member of { $organization }.

    If you did not expect this, look at who is a member.
mail-joined-button = See the members

mail-ownership-subject = { $organization } is yours now
mail-ownership-body =
    { $from } has handed { $organization } over to you, with all its servers. From now on you decide about everything in it.

    { $from } stays as an administrator until you change that.
mail-ownership-button = Open the organization

mail-token-created-subject = A new token for { $organization }
mail-token-created-body =
    In your name a token for programs was made: “{ $token }”, for { $organization }, working for { $days } days.

    If it was not you, revoke it, change your password, and log out all other browsers in your account.
mail-token-created-button = See the tokens

mail-account-deleted-subject = Your account is deleted
mail-account-deleted-body =
    Your account at Steppe is deleted. Your name and your address are removed from our records; this is the last mail from us.

    If it was not you, write to { $support } at once.
mail-account-deleted-button = Steppe
