use anyhow::{Context, Result};
use std::path::Path;

/// A user of this machine, as the password file knows them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct User {
    pub(crate) id: u32,
    pub(crate) group: u32,
}

/// The user that PostgreSQL runs as when root starts it, because it refuses to run as root.
pub(crate) fn for_postgres() -> Result<User> {
    let path = Path::new("/etc/passwd");
    let passwd = std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    ["postgres", "nobody"].into_iter().find_map(|name| find(&passwd, name)).context(
        "PostgreSQL refuses to run as root, and this machine has neither a user `postgres` nor `nobody` to run it as",
    )
}

fn find(passwd: &str, name: &str) -> Option<User> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let found = fields.next()? == name;
        let id = fields.nth(1)?.parse().ok()?;
        let group = fields.next()?.parse().ok()?;
        found.then_some(User { id, group })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_password_file() {
        let passwd = "root:x:0:0:root:/root:/bin/bash\npostgres:x:104:112:PostgreSQL,,,:/var/lib/postgresql:/bin/bash\n";
        assert_eq!(find(passwd, "postgres"), Some(User { id: 104, group: 112 }));
        assert_eq!(find(passwd, "nobody"), None);
    }
}
