//! The contract of [`Journal`] as tests, for every backend.
//!
//! A backend's integration tests implement [`Backend`] and say
//! `millstream_journal::conformance!(MyBackend::new())`: each case becomes a test of its own.

#![allow(clippy::unwrap_used, clippy::missing_panics_doc, missing_docs)] // These are tests.

pub mod bounded;
pub mod dedupe;
pub mod erasure;
pub mod fates;
pub mod figures;
pub mod holds;
pub mod imports;
pub mod lanes;
pub mod log;
pub mod received;
pub mod replays;
pub mod retention;
mod support;
pub mod traces;
pub mod turns;
pub mod users;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use model::ProjectId;

use crate::Journal;

/// A backend under test: one storage, empty at first.
#[async_trait]
pub trait Backend: Send + Sync {
    /// Opens the storage.
    async fn open(&self, bounds: Bounds) -> Arc<dyn Journal>;

    /// Opens what a kill of the process would leave behind at this moment. Nothing that an orderly
    /// end would do may have been done.
    async fn crash(&self, journal: Arc<dyn Journal>) -> Arc<dyn Journal>;

    /// Returns once everything that the project has received is counted where a crash leaves it: behind
    /// a backend that gathers in memory first, this waits.
    async fn gathered(&self, journal: &Arc<dyn Journal>, project: ProjectId);
}

/// What the cases want to be configured.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Events older than this may go.
    pub retention_age: Duration,
    /// Beyond this size, the oldest may go.
    pub retention_bytes: u64,
    /// Beyond this size of what running lanes haven't settled, events are refused.
    pub backlog_max_bytes: u64,
    /// A paused lane doesn't hold what is older.
    pub paused_max_age: Duration,
    /// A paused lane doesn't hold what is further back.
    pub paused_max_bytes: u64,
    /// How long ended deliveries are kept.
    pub ended_max_age: Duration,
    /// How long it is kept what became of single deliveries.
    pub outcomes_max_age: Duration,
    /// How many attempts a lane keeps.
    pub outcomes_max_per_lane: u64,
}

impl Default for Bounds {
    /// Wide enough for whoever doesn't test them.
    fn default() -> Self {
        const DAY: Duration = Duration::from_secs(24 * 60 * 60);
        Self {
            retention_age: 7 * DAY,
            retention_bytes: 1 << 40,
            backlog_max_bytes: 1 << 40,
            paused_max_age: 7 * DAY,
            paused_max_bytes: 1 << 40,
            ended_max_age: 7 * DAY,
            outcomes_max_age: 7 * DAY,
            outcomes_max_per_lane: 1 << 40,
        }
    }
}

/// Makes a test of each case. Takes an expression that makes a [`Backend`].
#[macro_export]
macro_rules! conformance {
    ($backend:expr) => {
        $crate::conformance! { @cases $backend;
            log::offsets_are_dense_in_each_project_and_survive_a_crash
            log::events_come_back_as_they_were_taken
            log::readers_of_the_same_place_share_events
            log::the_head_is_announced_when_events_are_durable
            log::concurrent_batches_are_whole_and_in_their_callers_order
            log::a_large_batch_is_read_back_whole
            log::the_newest_are_found_from_the_end
            log::a_closed_journal_refuses_work
            dedupe::an_insert_id_is_taken_once_per_device
            dedupe::other_devices_and_projects_are_apart
            dedupe::an_insert_id_counts_for_seven_days
            dedupe::many_insert_ids_are_remembered_over_crashes
            users::properties_are_those_after_the_event
            users::an_event_can_show_properties_of_its_own
            users::events_name_the_properties_that_they_changed
            users::state_survives_a_crash
            users::a_first_login_takes_the_anonymous_user_over
            users::a_known_user_inherits_what_they_lack
            users::a_device_belongs_to_its_last_user
            users::amplitude_ids_are_never_given_twice
            users::groups_are_joined_by_identify_and_overlaid_by_the_event
            users::group_properties_are_those_after_the_event
            users::a_group_identify_without_ids_has_no_user
            users::birth_version_and_payment_are_kept
            users::a_user_is_shown_with_their_devices
            users::many_devices_of_a_user_are_told_in_part
            lanes::a_new_lane_starts_at_the_head
            lanes::a_settlement_is_kept_and_idempotent
            lanes::retries_are_read_in_their_order
            lanes::a_retry_is_replaced_and_finished
            lanes::ended_deliveries_are_read_newest_first
            lanes::a_dropped_lane_is_gone
            lanes::an_unknown_lane_is_an_error
            lanes::the_oldest_unsettled_event_is_known
            figures::counts_add_up
            figures::minutes_are_summed_up_once_whatever_happens_between
            figures::what_comes_late_is_counted_all_the_same
            figures::figures_go_by_age
            figures::a_projects_figures_are_those_of_all_its_lanes
            figures::a_range_is_bounded
            replays::ended_deliveries_go_back_among_the_retries
            replays::what_becomes_of_replayed_deliveries_is_counted_once
            replays::a_replayed_delivery_still_holds_its_event
            replays::an_unknown_replay_or_lane_moves_nothing
            replays::a_stretch_of_time_is_found
            replays::a_bounded_lane_holds_what_it_has_still_to_read
            replays::a_bounded_lane_is_no_part_of_the_backlog
            fates::first_deliveries_are_known_through_crashes
            fates::an_events_standing_is_known
            fates::attempts_are_kept_once_and_told_in_order
            fates::attempts_are_found_by_what_they_are
            fates::what_is_kept_of_deliveries_goes_by_age_and_number
            fates::samples_are_the_newest_of_their_kind
            fates::events_are_found_by_what_they_carry
            fates::events_that_are_gone_are_not_found
            fates::refused_requests_are_kept_by_project
            retention::old_events_go_when_every_lane_has_passed
            retention::the_oldest_events_go_when_there_are_too_many
            retention::retries_and_ended_deliveries_hold_their_events
            retention::a_paused_lane_holds_within_its_age
            retention::a_paused_lane_holds_within_its_size
            retention::a_full_backlog_refuses_until_it_is_settled
            retention::a_project_may_keep_its_events_for_less
            retention::what_is_owed_is_kept_whatever_a_project_keeps
            retention::ended_deliveries_go_no_later_than_a_projects_events
            erasure::all_events_of_a_user_go_and_others_stay_to_the_byte
            erasure::an_erasure_goes_on_after_a_crash_at_any_step
            erasure::the_same_id_is_another_user_afterwards
            erasure::a_user_is_found_by_device_and_number_too
            erasure::retries_and_ended_deliveries_of_erased_events_go
            erasure::retention_takes_erased_events_like_others
            imports::erasing_a_user_goes_over_the_projects_imports
            imports::imports_are_kept_as_long_as_their_project_says
            imports::imports_go_with_their_sync_or_when_they_are_over
            bounded::what_bounded_lanes_do_counts_for_their_sync
            bounded::what_retries_were_given_is_kept_with_them
            traces::attempts_and_samples_of_erased_events_go
            traces::erased_attempts_make_room_for_others
            traces::a_replay_counts_what_was_erased_of_it
            traces::samples_of_refused_requests_go_with_any_user_of_the_project
            traces::a_settlement_says_how_many_retries_are_left
            received::what_was_received_is_counted_exactly_through_crashes
            received::what_is_too_old_is_left_out
            received::a_project_that_keeps_less_shows_less
            received::nothing_that_erased_events_brought_is_left
            received::more_types_than_there_is_room_for_are_said_to_be_missing
            received::a_newcomer_that_is_frequent_gets_a_place
            received::groups_are_those_of_events_with_or_without_properties
            holds::what_a_still_lane_loses_is_counted
            holds::what_is_lost_is_untold_until_it_is_told
            holds::a_shut_lane_loses_events_but_no_retries_and_is_no_backlog
            holds::what_a_shut_lane_has_in_its_hands_is_not_lost
            holds::what_a_shut_lane_had_in_its_hands_in_a_crash_is_lost
            holds::a_lane_that_was_passed_does_not_go_back
            holds::how_a_lane_stood_is_known_when_it_is_opened
            holds::a_backlog_is_dropped_whole_and_counted
            holds::a_way_through_what_was_held_is_remembered
            turns::a_users_first_delivery_is_known_and_whether_it_is_booked
            turns::turns_of_erased_events_go
            turns::what_waits_holds_its_event_and_goes_with_its_lane
            turns::what_waits_for_a_property_is_pending_and_in_order
            turns::a_users_properties_are_those_after_the_newest_event
        }
    };
    (@cases $backend:expr; $($module:ident :: $case:ident)+) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                $crate::conformance::$module::$case(&$backend).await;
            }
        )+
    };
}
