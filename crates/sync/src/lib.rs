//! A pure planner and the transports that carry it
