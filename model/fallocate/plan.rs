//! A change of a file under way: the file system's [jobs](crate::fs::change), of which the first may have begun.

use std::collections::VecDeque;

use stalemap_facade::Backend;

use crate::fs;
use crate::fs::change::{AtOnce, Job, Meaning, Plan};
use crate::fs::stuffed::UnstuffState;
use crate::iomap::unshare::iomap_file_unshare;
use crate::iomap::write_state::WriteState;
use crate::iomap::zero::zero_range;
use crate::state::inode::Inode;
use crate::state::mapping::IomapType;
use crate::truncate::TruncateState;
use crate::writeback::flush::{FlushState, WriteAndWait};
use crate::writeback::jdata::JdataState;

/// Where a job stands.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum JobState {
    /// Writing dirty folios back and waiting.
    Flush(FlushState),
    /// Dropping folios from the page cache.
    Drop(TruncateState),
    /// Zeroing part of a block through the page cache, or unsharing what is shared.
    Write(Box<WriteState>),
    /// Before the question whether the file may share blocks, and what is done then.
    IfReflink(Vec<JobState>),
    /// Flushing the log.
    LogFlush(JdataState),
    /// Writing zeros back that are ordered before a size.
    Order(WriteAndWait),
    /// Moving the data of a stuffed file out of its inode.
    Unstuff(UnstuffState),
    /// Before a transaction.
    TransBegin,
    /// Before its end.
    TransEnd,
    /// Before what is done at once.
    AtOnce(AtOnce),
}

impl JobState {
    /// Before a job. One that zeroes has its budget from here on, where writes need one.
    pub(crate) fn new<B: Backend>(inode: &Inode<B>, job: Job) -> Self {
        match job {
            Job::Flush(cells) => JobState::Flush(FlushState::new(inode.sb.geometry.folios_touched(&cells))),
            Job::Drop(cells) => JobState::Drop(TruncateState::new(inode, cells)),
            Job::DropPages(cells) => JobState::Drop(TruncateState::of_pages(inode, &cells)),
            Job::Zero(cells) => JobState::Write(Box::new(zero_range(inode, cells))),
            Job::Unshare(cells) => JobState::Write(Box::new(iomap_file_unshare(cells))),
            Job::IfReflink(jobs) => {
                JobState::IfReflink(jobs.into_iter().map(|job| JobState::new(inode, job)).collect())
            }
            Job::LogFlush => JobState::LogFlush(JdataState::log_flush()),
            Job::Unstuff => JobState::Unstuff(UnstuffState::Begin),
            Job::TransBegin => JobState::TransBegin,
            Job::TransEnd => JobState::TransEnd,
            Job::AtOnce(job) => JobState::AtOnce(job),
        }
    }
}

/// A change that is under way.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Running {
    pub(crate) jobs: VecDeque<JobState>,
    pub(crate) meaning: Meaning,
    /// Something was zeroed (`did_zeroing` of `xfs_setattr_size`, `zero_written` of `ext4_block_zero_eof`), if a later job asks for it.
    zeroed: bool,
}

impl Running {
    /// Whether a transaction was begun and is not ended.
    pub(crate) fn is_in_transaction(&self) -> bool {
        let bounds = |job: &&JobState| matches!(job, JobState::TransBegin | JobState::TransEnd);
        self.jobs.iter().find(bounds) == Some(&JobState::TransEnd)
    }

    /// Before the first job.
    pub(crate) fn new<B: Backend>(inode: &Inode<B>, plan: Plan) -> Self {
        let jobs = plan.jobs.into_iter().map(|job| JobState::new(inode, job)).collect();
        Running { jobs, meaning: plan.meaning, zeroed: false }
    }

    /// Drops the jobs that are left. What was reserved for those that zero goes back (`xfs_zoned_space_unreserve`).
    pub(crate) fn give_up<B: Backend>(&mut self, inode: &Inode<B>) {
        for job in self.jobs.drain(..) {
            if let JobState::Write(write) = job {
                fs::return_budget(inode, write.budget_at_start());
            }
        }
    }

    /// Takes note of a folio that was zeroed through a mapping of this kind, if a later job asks for it.
    pub(crate) fn note_zeroed(&mut self, kind: IomapType) {
        let asks = |job: &JobState| match job {
            JobState::AtOnce(AtOnce::FlushUnlogged { .. }) => true,
            JobState::AtOnce(AtOnce::OrderZeroed(_)) => kind == IomapType::Mapped,
            _ => false,
        };
        self.zeroed |= self.jobs.iter().any(asks);
    }

    /// Whether something was zeroed, for the job that asks for it.
    pub(crate) fn has_zeroed(&self) -> bool {
        self.zeroed
    }
}
