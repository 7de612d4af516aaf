# Team.
staff = Team
staff-log-in = Anmeldung für das Team
staff-code = Code aus deiner Authenticator-App
staff-home = Was Aufmerksamkeit braucht
