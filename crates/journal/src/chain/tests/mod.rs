mod landings;
mod markers;
mod unknown;
