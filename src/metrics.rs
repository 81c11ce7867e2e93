//! Counters and histograms, fed by events only.
