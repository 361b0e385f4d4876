mod parked;
mod rings;
