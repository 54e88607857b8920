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
