//! Whole evaluations with models of known odds.

mod budgets;
mod failures;
mod grading;
mod odds;
mod resuming;
mod world;

use world::World;
use world::plan;
