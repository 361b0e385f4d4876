mod history;
mod list;
mod statistics;
