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
    open::a_lost_key_file_is_refused_once_a_second_factor_is_sealed,
    open::an_unknown_database_is_refused,
    organisation::an_organisation_is_renamed_at_its_version_only,
    organisation::an_unknown_organisation_is_said_to_be_unknown,
    organisation::an_organisation_goes_with_all_it_has_but_not_with_projects,
    organisation::pages_hold_every_organisation_once,
    organisation::the_first_organisation_is_made_once,
    organisation::what_is_one_organisations_is_not_found_from_another,
    member::a_member_may_do_what_the_role_allows,
    member::the_last_owner_stays,
    member::of_two_owners_who_leave_at_once_one_stays,
    member::a_removed_member_leaves_nothing_in_the_organisation,
    member::pages_hold_every_member_once,
    person::an_address_is_one_account_in_any_case,
    person::an_unknown_person_is_said_to_be_unknown,
    person::pages_hold_every_person_once,
    person::a_new_name_is_read_back,
    person::a_new_password_ends_all_sessions_but_the_kept_one,
    person::a_rehash_counts_for_the_same_password_only,
    person::a_second_factor_is_sealed_and_can_be_taken_away,
    person::a_code_is_taken_once,
    person::a_recovery_code_is_taken_once,
    person::the_last_operator_stays,
    person::of_two_operators_who_step_down_at_once_one_stays,
    account::nobody_comes_in_by_a_locked_account,
    account::somebody_is_signed_out_everywhere,
    account::a_deleted_account_leaves_nothing_but_the_log,
    account::the_only_owner_of_an_organisation_can_not_delete_themselves,
    account::the_last_operator_who_could_sign_in_stays,
    account::people_are_found_by_how_their_address_begins,
    account::an_owner_is_invited_where_there_is_none_and_only_there,
    invitation::an_invitation_makes_an_account_and_a_member,
    invitation::of_many_who_accept_at_once_one_wins,
    invitation::an_invitation_ends_with_its_time_or_when_it_is_withdrawn,
    invitation::an_invitation_to_an_account_is_its_owners,
    invitation::a_later_invitation_of_an_address_ends_the_earlier_one,
    invitation::a_member_is_not_invited_again,
    invitation::an_invitation_as_owner_is_not_replaced_by_one_as_less,
    invitation::a_repeated_invitation_is_one_with_one_letter,
    invitation::an_organisation_is_made_for_its_owner,
    invitation::another_kind_of_text_is_no_invitation,
    invitation::the_first_administrators_link_makes_an_operator_once,
    invitation::the_first_administrators_link_ends_with_the_first_account,
    invitation::the_first_administrators_link_is_for_newcomers_of_an_empty_installation,
    invitation::of_many_first_administrators_at_once_one_is_made,
    identity::an_identity_is_linked_to_the_account_of_its_verified_address,
    identity::without_a_verified_address_nothing_is_linked,
    identity::a_stranger_gets_no_account,
    identity::who_is_invited_gets_an_account_wherever_they_are_invited,
    identity::who_is_admitted_joins_once,
    identity::of_many_first_sign_ins_at_once_one_links,
    identity::the_last_way_in_stays,
    identity::pages_hold_every_identity_once,
    identity::what_a_browser_carries_opens_for_its_purpose_only,
    session::a_cookie_is_recognised_until_its_session_is_ended,
    session::a_session_that_is_not_used_ends,
    session::a_session_ends_at_the_latest_however_much_it_is_used,
    session::the_last_use_of_a_session_is_known_to_the_minute,
    session::after_a_change_of_rights_the_cookie_is_replaced,
    session::of_many_requests_after_a_change_one_gets_the_new_cookie,
    session::a_session_is_of_somebody_with_an_account,
    session::pages_hold_every_session_once,
    password_reset::a_link_sets_a_password_and_ends_everything_else,
    password_reset::of_many_who_use_a_link_at_once_one_wins,
    password_reset::a_link_ends_with_its_time,
    password_reset::a_person_has_at_most_three_links,
    project::a_project_gets_keys_and_shows_its_secret_key_once,
    project::a_change_reaches_the_list_and_the_index,
    project::a_project_with_syncs_is_deleted_only_on_demand,
    project::pages_hold_every_project_once_while_others_are_added,
    project::an_unknown_project_is_said_to_be_unknown,
    project::a_name_is_unique_in_its_organisation_only,
    project::of_many_project_changes_at_once_one_wins,
    keys::a_replaced_api_key_is_taken_until_the_overlap_ends,
    keys::without_an_overlap_a_replaced_api_key_is_refused_at_once,
    keys::a_longer_overlap_does_not_prolong_an_earlier_one,
    keys::a_replaced_secret_key_is_taken_until_the_overlap_ends,
    keys::of_many_rotations_at_once_one_key_is_present,
    keys::a_change_of_a_project_counts_at_once,
    keys::another_nodes_change_counts_within_seconds,
    keys::an_unknown_key_is_looked_up_again_within_seconds,
    keys::what_is_known_counts_while_the_database_fails,
    sync::a_sync_is_read_as_it_was_written,
    sync::secrets_are_not_in_the_files_in_the_clear,
    sync::a_lost_update_is_refused,
    sync::of_many_changes_at_once_one_wins,
    sync::another_projects_sync_is_not_found,
    sync::a_deleted_sync_waits_for_its_lane_and_keeps_no_secret,
    sync::a_sync_needs_a_project,
    sync::pages_hold_every_sync_once,
    definition::a_draft_is_changed_at_its_revision_only,
    definition::a_definition_is_made_once_for_a_key,
    definition::names_are_taken_once_in_the_installation,
    definition::a_version_never_changes_and_goes_its_way,
    definition::the_catalog_shows_each_organisation_what_it_may_connect,
    definition::pages_hold_every_tile_once,
    definition::what_everyone_may_connect_outlives_its_organisation,
    token::a_token_is_recognised_until_it_is_revoked,
    token::neither_text_nor_debug_nor_files_show_a_token,
    token::a_token_may_do_what_its_person_and_its_scopes_allow,
    token::a_token_is_a_members_or_the_installations,
    token::a_token_ends_with_its_time,
    token::the_last_use_of_a_token_is_known_to_the_minute,
    token::pages_hold_every_token_once,
    token::the_maker_of_a_token_is_warned_once_before_it_ends,
    token::of_many_nodes_at_once_one_warns_of_a_token,
    token::a_warning_that_cannot_be_written_is_tried_again_and_holds_nothing_up,
    audit::every_change_in_an_organisation_is_told_once,
    audit::every_change_of_a_person_is_told_to_the_installation,
    audit::what_the_server_does_by_itself_is_told_too,
    audit::an_entry_tells_who_did_what_from_where,
    audit::a_syncs_entry_shows_what_differs_and_no_secret,
    audit::no_secret_is_in_the_log,
    audit::a_failed_change_leaves_no_entry,
    audit_log::filters_narrow_the_log,
    audit_log::pages_hold_every_entry_once_newest_first,
    idempotency::a_repeated_creation_makes_one_and_answers_alike,
    idempotency::a_repeated_rotation_rotates_once,
    idempotency::another_request_under_the_same_key_is_refused,
    idempotency::of_the_same_creations_at_once_one_is_made,
    idempotency::different_callers_keys_do_not_meet,
    idempotency::a_failed_creation_is_not_remembered,
    rotation::all_that_is_sealed_is_sealed_again_and_the_former_key_can_go,
    rotation::only_keys_that_seal_nothing_are_removed,
    rotation::what_is_written_during_the_change_of_keys_is_sealed_with_the_new_one,
    rotation::what_a_crash_broke_off_goes_on_after_the_next_start,
    rotation::a_key_in_the_file_of_which_the_database_was_not_told_yet_is_one,
    rotation::another_node_that_knows_the_former_keys_only_reads_what_the_new_one_sealed,
    rotation::a_value_that_cannot_be_opened_does_not_hold_up_the_others,
    rotation::keys_that_the_configuration_gives_are_changed_there,
    rotation::the_log_tells_of_keys_by_their_ids_only,
    maintenance::what_has_ended_is_cleared_and_nothing_else,
    maintenance::the_log_is_cleared_by_its_age,
    maintenance::more_than_is_deleted_at_once_is_cleared,
}
