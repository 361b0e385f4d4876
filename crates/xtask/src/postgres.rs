//! As much of PostgreSQL's protocol as it takes to ask whether a private server is ready and to make a
//! database in it: no client program is needed for that.

use crate::login::Login;
use crate::scram::{Exchange, Proof};
use anyhow::{Context, Result, bail, ensure};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// The role that owns everything in a private server.
pub const ROLE: &str = "postgres";

/// The database that every server has from the beginning.
pub const FIRST_DATABASE: &str = "postgres";

/// The database that tests copy, as `cargo xtask test` has migrated it.
pub const MIGRATED: &str = "migrated";

/// Making a database copies a template of some megabytes; anything longer is a fault.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The longest message that a server has a reason to send here.
const MESSAGE_LENGTH_MAX: usize = 1 << 20;

/// Version 3.0 of the protocol.
const PROTOCOL: u32 = 196_608;

/// Runs one statement in a database.
///
/// # Errors
/// Nothing listens, the server is not ready yet, or it refuses the login or the statement.
pub fn execute(login: &Login, database: &str, statement: &str) -> Result<()> {
    query(login, database, statement).map(drop)
}

/// The rows that one statement gives, with each value as PostgreSQL writes it as text.
///
/// # Errors
/// As for [`execute`].
pub fn query(login: &Login, database: &str, statement: &str) -> Result<Vec<Row>> {
    let mut stream = TcpStream::connect_timeout(&login.address, TIMEOUT)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    let startup = format!("user\0{}\0database\0{database}\0\0", login.user);
    let mut message = PROTOCOL.to_be_bytes().to_vec();
    message.extend_from_slice(startup.as_bytes());
    send(&mut stream, None, &message)?;
    authenticate(&mut stream, &login.password)?;
    until_ready(&mut stream)?;
    send(&mut stream, Some(b'Q'), format!("{statement}\0").as_bytes())?;
    until_ready(&mut stream).with_context(|| format!("running `{statement}`"))
}

/// The values of a row; None is NULL.
pub type Row = Vec<Option<String>>;

/// The URL of a database.
pub fn url(login: &Login, database: &str) -> String {
    format!("{}/{database}", login.url("postgres"))
}

fn send(stream: &mut TcpStream, kind: Option<u8>, body: &[u8]) -> Result<()> {
    let mut message: Vec<u8> = kind.into_iter().collect();
    message.extend_from_slice(&u32::try_from(body.len() + 4)?.to_be_bytes());
    message.extend_from_slice(body);
    Ok(stream.write_all(&message)?)
}

/// Shows the server that the client knows the password. A server that lets anybody in is refused.
fn authenticate(stream: &mut TcpStream, password: &str) -> Result<()> {
    const SASL: u32 = 10;
    const CONTINUE: u32 = 11;
    const FINAL: u32 = 12;
    let exchange = Exchange::begin(password)?;
    let mut proof: Option<Proof> = None;
    loop {
        let (kind, body) = receive(stream)?;
        ensure!(kind != b'E', "PostgreSQL says: {}", error_text(&body));
        let (step, text) = body.split_first_chunk::<4>().context("a message that cannot be read")?;
        ensure!(kind == b'R', "PostgreSQL lets in without a password");
        let text = String::from_utf8_lossy(text);
        match (u32::from_be_bytes(*step), &proof) {
            (SASL, None) => {
                let first = exchange.first_message();
                let mut message = b"SCRAM-SHA-256\0".to_vec();
                message.extend_from_slice(&u32::try_from(first.len())?.to_be_bytes());
                message.extend_from_slice(first.as_bytes());
                send(stream, Some(b'p'), &message)?;
            }
            (CONTINUE, None) => {
                let made = exchange.prove(&text)?;
                send(stream, Some(b'p'), made.message.as_bytes())?;
                proof = Some(made);
            }
            // The server's own proof comes before its word that all is well.
            (FINAL, Some(proof)) => return proof.verify(&text),
            _ => bail!("PostgreSQL lets in without a password, or wants one in another form"),
        }
    }
}

fn receive(stream: &mut impl Read) -> Result<(u8, Vec<u8>)> {
    let mut head = [0; 5];
    stream.read_exact(&mut head)?;
    let [kind, length @ ..] = head;
    let length = usize::try_from(u32::from_be_bytes(length))?;
    ensure!((4..MESSAGE_LENGTH_MAX).contains(&length), "a message of {length} bytes");
    let mut body = vec![0; length - 4];
    stream.read_exact(&mut body)?;
    Ok((kind, body))
}

fn until_ready(stream: &mut impl Read) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    loop {
        let (kind, body) = receive(stream)?;
        match kind {
            b'Z' => return Ok(rows),
            b'D' => rows.push(row(&body).context("a row that cannot be read")?),
            b'E' => bail!("PostgreSQL says: {}", error_text(&body)),
            _ => {}
        }
    }
}

/// A row is the number of its values, then each with its length before it, -1 for NULL.
fn row(body: &[u8]) -> Option<Row> {
    let (_, mut rest) = body.split_first_chunk::<2>()?;
    let mut row = Row::new();
    while let Some((length, after)) = rest.split_first_chunk::<4>() {
        let length = usize::try_from(i32::from_be_bytes(*length)).ok();
        let (value, after) = after.split_at_checked(length.unwrap_or(0))?;
        row.push(length.map(|_| String::from_utf8_lossy(value).into_owned()));
        rest = after;
    }
    Some(row)
}

/// The fields of an error are a letter and a text each; `M` is the one for people.
fn error_text(body: &[u8]) -> String {
    let fields = body.split(|byte| *byte == 0);
    let message = fields.filter_map(|field| field.strip_prefix(b"M")).next().unwrap_or(body);
    String::from_utf8_lossy(message).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_rows_with_texts_and_nulls() {
        let body = b"\0\x03\0\0\0\x02ab\xff\xff\xff\xff\0\0\0\0";
        assert_eq!(row(body), Some(vec![Some("ab".to_owned()), None, Some(String::new())]));
        assert_eq!(row(b"\0\x01\0\0\0\x09ab"), None);
    }

    #[test]
    fn finds_the_message_among_the_fields_of_an_error() {
        assert_eq!(
            error_text(b"SFATAL\0C57P03\0Mthe database system is starting up\0\0"),
            "the database system is starting up"
        );
    }
}
