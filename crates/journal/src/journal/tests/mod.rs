mod cluster;
mod outage;
mod schema;
mod upgrade;
