order-title = Order a server
order-nothing = Nothing can be ordered just now
order-nothing-help = We have no offers at the moment. Please come back later.
order-offer = What should it be?
order-full = Full: you join the waitlist
order-approval = We look at each order first
order-at-once = Ready in about a minute
order-name = What should it be called?
order-name-help = The name is part of every address on your server. It cannot be changed later, and is never given to anybody else.
order-label = Name
order-zone = Ending
order-check = Is it free?
order-free = This name is free.
order-owner = Who will own it?
order-owner-help = The first account on the server. It may do everything there.
order-handle = Account name
order-email = Mail address
order-for = Order for
order-agree = I have read the price above and agree to the terms of service and the data processing agreement.
order-do = Order with these terms
order-leave = You can close the server at any time and take everything with you.
order-of = Order: { $host }
order-done = Your server is ready.
order-position =
    { $count ->
        [1] You are next.
       *[other] You are number { $count } in the waitlist.
    }
order-to-server = To your server
order-accept = Take the place
order-retry = Try again
order-cancel = Cancel the order
order-again = Order a server
order-facts = What was ordered
order-correct = Wrong mail address?
order-correct-do = Correct it
price-free = Free of charge
price-month-inclusive = { $price } a month, tax included
price-month-exclusive = { $price } a month, plus tax
price-year-inclusive = { $price } a year, tax included
price-year-exclusive = { $price } a year, plus tax

field-offer-needed = Please choose one.
field-label-length = A name has 3 to 40 characters.
field-label-characters = Only the letters a to z, digits and hyphens, please.
field-label-edge = A name does not begin or end with a hyphen.
field-label-encoded = Two hyphens in third and fourth place are kept for encoded names.
field-label-digits = There must be a letter in it.
field-label-reserved = This name is kept for the service itself.
field-label-zone = With this ending the name is too long.
field-label-taken = This name is taken. Names are given once and for all.
field-handle-form = 1 to 30 small letters, digits and underscores, please.
field-handle-owner = This is the owner's account, which is there already.
field-typed-name = This is not the server's name.
field-recipient-form = A public key of age begins with age1 and has 62 characters.
field-text-empty = Please write something.
field-text-too-long = This is too long.
field-text-characters = There are signs in it that cannot be shown.
