//! I16 nothing secret is in what the services write.

use super::{Evidence, Violations};

/// Something secret, in one of the forms in which it could be written.
#[derive(Debug)]
pub(crate) struct Secret {
    pub(crate) name: &'static str,
    pub(crate) text: String,
}

/// Something that a service wrote.
#[derive(Debug)]
pub(crate) struct Writing {
    pub(crate) place: String,
    pub(crate) text: String,
}

pub(super) fn check(evidence: &Evidence, violations: &mut Violations) {
    for writing in &evidence.writings {
        for secret in &evidence.secrets {
            let line = writing.text.lines().position(|line| line.contains(&secret.text));
            violations.unless(line.is_none(), || {
                let number = line.unwrap_or_default() + 1;
                format!("I16 {} has {} in line {number}", writing.place, secret.name)
            });
        }
    }
}
