mod halt;
mod spending;
mod venues;
