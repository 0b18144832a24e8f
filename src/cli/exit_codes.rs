//! How the commands end, as their help says it.

pub(super) const EXIT_CODES: &str = "\
Exit codes:
  0  every verdict is as the files expect
  1  some is not (without an expectation: some property is violated)
  2  usage or bad input
  3  nothing unexpected, but something incomplete
  4  engines disagree, or a run was not deterministic: a defect of stalemap";

pub(super) const COSTS_EXIT_CODES: &str = "\
Exit codes:
  0  all runs were counted, and no call retries more often than others change its file
  1  some call does
  2  usage or bad input
  3  a limit was reached before all runs were counted
  4  an engine failed: a defect of stalemap";

pub(super) const WITNESS_EXIT_CODES: &str = "\
Exit codes:
  0  a run reaches it, and is shown
  1  no run does
  2  usage or bad input
  3  a limit was reached before
  4  an engine failed: a defect of stalemap";

pub(super) const REPLAY_EXIT_CODES: &str = "\
Exit codes:
  0  it was replayed, and violates what it was saved for, if anything; with --design, as far as it fits
  1  it was replayed, and does not violate what it was saved for
  2  usage or bad input, also a schedule that does not fit its scenario
  4  an engine failed, or shuttle does not follow: a defect of stalemap";

pub(super) const CLAIMS_EXIT_CODES: &str = "\
Exit codes:
  0  every run came to its end, in a way that its claim foresees
  1  some run came out in another way
  2  usage or bad input
  3  a limit was reached
  4  an engine failed, or a claim that is compiled in is wrong: a defect of stalemap";

pub(super) const TRACE_EXIT_CODES: &str = "\
Exit codes:
  0  the trace was read; with --conforms, all of its pieces are runs of the model
  1  with --conforms, some piece is not
  2  usage or bad input, also a file in which no event of a trace was found
  3  with --conforms, something could not be decided, or nothing could be asked";

pub(super) const LAB_EXIT_CODES: &str = "\
Exit codes:
  0  it was done; of a run, that the kernel did as the model predicts
  1  there is nothing to play, since nothing is violated; of a run, that the kernel did something else
  2  usage or bad input, also something that the lab needs and does not find
  3  of a run, that the order was not reached; of a plan, that a limit was reached before one was found
  4  an engine failed: a defect of stalemap";
