mod halt;
mod reservations;
mod spending;
mod venues;
