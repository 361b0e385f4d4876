//! The private servers: they start, answer those who have a password, and are gone afterwards.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use xtask::servers::Durability;
use xtask::{Login, Servers, Supervisor, port, postgres};

#[test]
fn the_servers_start_answer_and_are_taken_down() {
    let path = std::env::temp_dir().join(format!("xtask-servers-{}", std::process::id()));
    std::fs::create_dir_all(&path).unwrap();
    let supervisor = Supervisor::new(&path.join("logs"), false, None).unwrap();
    let mut servers = Servers::start(&supervisor, &path, Durability::Throwaway).unwrap();

    let create = || {
        let owner = &servers.postgres.operator;
        postgres::execute(owner, postgres::FIRST_DATABASE, "CREATE DATABASE orders")
    };
    create().unwrap();
    let error = create().unwrap_err();
    assert!(format!("{error:#}").contains("already exists"), "{error:#}");
    let addresses = [servers.postgres.address, servers.redis.address, servers.nats.address];
    for address in addresses {
        TcpStream::connect(address).unwrap();
    }
    nobody_gets_in_without_a_password(&servers, &path);

    servers.stop(&supervisor).unwrap();
    for address in addresses {
        assert!(port::is_free(address), "{address} is still in use");
    }
    std::fs::remove_dir_all(path).unwrap();
}

fn nobody_gets_in_without_a_password(servers: &Servers, path: &Path) {
    let postgres = &servers.postgres.operator;
    for (user, password) in [("postgres", ""), ("postgres", "orders"), ("gateway", &*postgres.password)] {
        let login = Login { user: user.to_owned(), password: password.to_owned(), ..postgres.clone() };
        let error = postgres::execute(&login, postgres::FIRST_DATABASE, "SELECT 1").unwrap_err();
        assert!(format!("{error:#}").contains("password authentication failed"), "{user}: {error:#}");
    }
    let redis = &servers.redis.users.gateway;
    for (said, answer) in [
        ("PING", "-NOAUTH"),
        ("AUTH default orders", "-WRONGPASS"),
        ("AUTH gateway orders", "-WRONGPASS"),
        (&*format!("AUTH executor {}", redis.password), "-WRONGPASS"),
        (&*format!("AUTH gateway {}", redis.password), "+OK"),
    ] {
        let line = answered(redis, said, 1);
        assert!(line.starts_with(answer), "{said}: {line}");
    }
    let nats = &servers.nats.users.gateway;
    for (connect, answer) in [
        (r#"{"verbose":true}"#.to_owned(), "-ERR 'Authorization Violation'"),
        (r#"{"verbose":true,"user":"gateway","pass":"orders"}"#.to_owned(), "-ERR 'Authorization Violation'"),
        (format!(r#"{{"verbose":true,"user":"gateway","pass":"{}"}}"#, nats.password), "+OK"),
    ] {
        // The first line is the server's greeting.
        let line = answered(nats, &format!("CONNECT {connect}"), 2);
        assert_eq!(line, answer);
    }
    for file in ["redis-users.acl", "nats-users.conf"] {
        let mode = std::fs::metadata(path.join(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{file} is others' to read");
    }
}

/// The line with this number that a server answers to a line.
fn answered(login: &Login, said: &str, number: usize) -> String {
    let mut stream = BufReader::new(TcpStream::connect(login.address).unwrap());
    stream.get_mut().write_all(format!("{said}\r\n").as_bytes()).unwrap();
    let mut line = String::new();
    for _ in 0..number {
        line.clear();
        stream.read_line(&mut line).unwrap();
    }
    line.trim_end().to_owned()
}
