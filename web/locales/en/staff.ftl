# Staff.
staff = Staff
staff-log-in = Staff log-in
staff-code = Code from your authenticator app
staff-home = What needs attention
