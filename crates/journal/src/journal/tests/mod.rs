mod cluster;
mod outage;
mod recorded;
mod schema;
mod upgrade;
