//! The store's behaviour, stated once and run on every database.

#![allow(
    clippy::unwrap_used,
    reason = "a test that can't go on fails right there"
)]

mod backend;
mod postgres_only;
mod suite;

use backend::Backend;

/// One module of tests for each backend, from one list of behaviours.
macro_rules! on_every_backend {
    ($($module:ident :: $behaviour:ident),* $(,)?) => {
        mod sqlite {
            $(
                #[tokio::test]
                async fn $behaviour() {
                    crate::suite::$module::$behaviour(crate::Backend::sqlite()).await;
                }
            )*
        }

        mod postgres {
            $(
                #[tokio::test]
                async fn $behaviour() {
                    crate::suite::$module::$behaviour(crate::Backend::postgres()).await;
                }
            )*
        }
    };
}

on_every_backend! {
    mail::a_mail_is_claimed_as_it_was_written_and_settled,
    mail::a_failed_attempt_is_repeated_when_it_is_due,
    mail::a_claim_lasts_as_long_as_its_lease,
    mail::what_was_claimed_and_released_counts_as_never_tried,
    mail::nodes_that_claim_at_once_never_get_the_same_mail,
    mail::the_mailer_is_woken_by_a_mail_and_by_nothing_else,
    mail::one_address_gets_only_so_many_of_a_kind_within_an_hour,
    mail::a_full_queue_and_a_long_mail_are_refused,
    mail::an_expired_mail_is_not_sent_and_keeps_no_text,
    mail::old_mail_is_deleted_sent_or_not,
    mail::the_outbox_shows_every_mail_once_by_status,
    mail::the_text_of_a_mail_is_not_in_the_files_in_the_clear,
    mail::a_lost_key_file_is_refused_while_mail_is_sealed_with_it,
    mail::a_mail_that_cannot_be_opened_does_not_hold_up_the_others,
    open::a_second_open_finds_what_the_first_left,
    open::a_newer_schema_is_refused_with_both_versions,
    open::a_lost_key_file_is_refused_once_secrets_are_sealed,
    open::an_unknown_database_is_refused,
    project::a_project_gets_keys_and_shows_its_secret_key_once,
    project::a_change_reaches_the_list_and_the_index,
    project::a_project_with_syncs_is_deleted_only_on_demand,
    project::pages_hold_every_project_once_while_others_are_added,
    project::an_unknown_project_is_said_to_be_unknown,
    sync::a_sync_is_read_as_it_was_written,
    sync::secrets_are_not_in_the_files_in_the_clear,
    sync::a_lost_update_is_refused,
    sync::of_many_changes_at_once_one_wins,
    sync::another_projects_sync_is_not_found,
    sync::a_deleted_sync_waits_for_its_lane_and_keeps_no_secret,
    sync::a_sync_needs_a_project,
    sync::pages_hold_every_sync_once,
    token::a_token_is_recognised_until_it_is_revoked,
    token::neither_text_nor_debug_nor_files_show_a_token,
}
