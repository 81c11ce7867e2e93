//! Assembly: the only place that says `new` on big things.
