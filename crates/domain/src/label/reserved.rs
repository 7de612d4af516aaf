//! Labels that no customer gets: those that belong to the service, those that carry rights elsewhere by convention, and
//! those that would be taken for us.

/// Compared without hyphens and without digits at the end: `ad-min`, `www2` and `mail-01` are `admin`, `www` and `mail`.
const RESERVED: &[&str] = &[
    // Mailbox names of RFC 2142 (§3 to §5) and what goes with them: a certificate authority or an abuse desk writes there.
    "abuse",
    "ftp",
    "hostmaster",
    "info",
    "list",
    "marketing",
    "news",
    "noc",
    "postmaster",
    "sales",
    "security",
    "support",
    "trouble",
    "usenet",
    "uucp",
    "webmaster",
    "www",
    // Certificate authorities take these for the domain's own (CA/Browser Forum Baseline Requirements §3.2.2.4.4).
    "admin",
    "administrator",
    "root",
    "ssladmin",
    "ssladministrator",
    "sslwebmaster",
    "sysadmin",
    "it",
    // Names that programs look up by themselves.
    "autoconfig",
    "autodiscover",
    "imap",
    "isatap",
    "localhost",
    "mail",
    "mta",
    "mtasts",
    "mx",
    "ns",
    "dns",
    "openpgpkey",
    "pop",
    "smtp",
    "submission",
    "webmail",
    "wpad",
    "broadcasthost",
    "local",
    // Ours.
    "account",
    "accounts",
    "api",
    "app",
    "assets",
    "auth",
    "backup",
    "backups",
    "billing",
    "blog",
    "bundle",
    "bundles",
    "cdn",
    "cell",
    "checkout",
    "cloud",
    "cluster",
    "console",
    "contact",
    "control",
    "dashboard",
    "demo",
    "dev",
    "docs",
    "download",
    "downloads",
    "export",
    "exports",
    "files",
    "git",
    "grafana",
    "health",
    "help",
    "helpdesk",
    "host",
    "hosting",
    "id",
    "imprint",
    "impressum",
    "ingress",
    "internal",
    "invoice",
    "invoices",
    "kubernetes",
    "legal",
    "login",
    "logout",
    "manage",
    "media",
    "metrics",
    "monitor",
    "monitoring",
    "my",
    "oauth",
    "operator",
    "panel",
    "pay",
    "payment",
    "payments",
    "portal",
    "privacy",
    "prod",
    "production",
    "prometheus",
    "proxy",
    "register",
    "registry",
    "relay",
    "reset",
    "s3",
    "server",
    "servers",
    "service",
    "services",
    "settings",
    "shop",
    "signin",
    "signup",
    "sso",
    "staff",
    "staging",
    "static",
    "stats",
    "status",
    "steppe",
    "storage",
    "store",
    "stripe",
    "system",
    "team",
    "terms",
    "test",
    "trust",
    "upload",
    "uploads",
    "verify",
    "vpn",
    "webhook",
    "webhooks",
    // The software's own names: theirs to give.
    "activitypub",
    "fediverse",
    "glitch",
    "glitchsoc",
    "gotosocial",
    "joinmastodon",
    "mastodon",
    "snac",
];

pub fn is_reserved(label: &str) -> bool {
    let plain: String = label.chars().filter(|character| *character != '-').collect();
    let word = plain.trim_end_matches(|last: char| last.is_ascii_digit());
    RESERVED.contains(&word) || RESERVED.contains(&plain.as_str())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_stands_once_in_the_form_it_is_compared_in() {
        assert!(RESERVED.len() >= 80);
        assert_eq!(RESERVED.iter().collect::<BTreeSet<_>>().len(), RESERVED.len());
        for word in RESERVED {
            assert!(word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()), "{word}");
            assert!(is_reserved(word), "{word}");
        }
    }

    #[test]
    fn all_of_rfc_2142() {
        for name in [
            "info",
            "marketing",
            "sales",
            "support",
            "abuse",
            "noc",
            "security",
            "postmaster",
            "hostmaster",
            "usenet",
            "news",
            "webmaster",
            "www",
            "uucp",
            "ftp",
        ] {
            assert!(is_reserved(name), "{name}");
        }
    }

    #[test]
    fn words_that_merely_contain_one_are_free() {
        for name in ["birds", "mailbox", "apiary", "wwwoof", "statusquo", "snacks", "testament"] {
            assert!(!is_reserved(name), "{name}");
        }
    }
}
