# `just` lists these; each is one command that works without just as well.

default:
    @just --list

# Build everything and run it on this machine, until Ctrl-C
up *arguments:
    cargo xtask up {{arguments}}

# Every test, against private PostgreSQL, Redis and NATS servers; `just test -p journal` for one crate
test *arguments:
    cargo xtask test {{arguments}}

# Break everything by the faults that a seed draws, and check what became of every order
chaos *arguments:
    cargo xtask chaos {{arguments}}

# Attack the gateway with greedy clients, and check that others do not notice
attack *arguments:
    cargo xtask attack {{arguments}}

# What continuous integration runs
ci:
    .ci/run

# Formatting, lints, documentation and the shape of the project, without the slow tests
check:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets -- -D warnings
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps
    cargo test --package system-tests --test tidy

# Place orders on what `just up` runs, and watch them live
trade *arguments:
    cargo run --example trade -- {{arguments}}

# The same engine in containers
containers *arguments:
    docker compose up --build {{arguments}}

# Try the containers: trade, scale, kill, upgrade, back up, restore; needs root and Docker
compose-test *arguments:
    deploy/compose-test/run {{arguments}}
