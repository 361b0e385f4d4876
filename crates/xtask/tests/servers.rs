//! The private servers: they start, answer, and are gone afterwards.

use std::net::TcpStream;
use xtask::servers::Durability;
use xtask::{Servers, Supervisor, port, postgres};

#[test]
fn the_servers_start_answer_and_are_taken_down() {
    let path = std::env::temp_dir().join(format!("xtask-servers-{}", std::process::id()));
    std::fs::create_dir_all(&path).unwrap();
    let supervisor = Supervisor::new(&path.join("logs"), false, None).unwrap();
    let mut servers = Servers::start(&supervisor, &path, Durability::Throwaway).unwrap();

    postgres::execute(servers.postgres.address, postgres::FIRST_DATABASE, "CREATE DATABASE orders").unwrap();
    let error =
        postgres::execute(servers.postgres.address, postgres::FIRST_DATABASE, "CREATE DATABASE orders")
            .unwrap_err();
    assert!(format!("{error:#}").contains("already exists"), "{error:#}");
    let addresses = [servers.postgres.address, servers.redis.address, servers.nats.address];
    for address in addresses {
        TcpStream::connect(address).unwrap();
    }

    servers.stop(&supervisor).unwrap();
    for address in addresses {
        assert!(port::is_free(address), "{address} is still in use");
    }
    std::fs::remove_dir_all(path).unwrap();
}
