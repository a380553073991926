//! The scenarios, by what they are about, and the list of them all.

pub mod attempts;
pub mod bodies;
pub mod cancelled;
pub mod connections;
pub mod derived;
pub mod faults;
pub mod input;
pub mod job;
pub mod lists;
pub mod local;
pub mod proxies;
pub mod retries;
pub mod secure;
pub mod sources;

/// Makes one test of each scenario for a shell: `scenarios!(every, cvm_scenarios::shell::ByHand)`.
///
/// `every` is what any driver of the core must do; `clients` is what a client over an HTTP library does beside it.
#[macro_export]
macro_rules! scenarios {
    (every, $shell:ty) => {
        $crate::scenarios!(@ $shell:
            attempts: hook_hears_every_attempt,
            bodies: html_is_not_an_answer cut_off_json_is_not_an_answer empty_body_is_not_an_answer
                broken_body_is_interrupted null_and_unknown_members_are_fine other_status_keeps_status_and_error
                redirect_is_not_followed announced_giant_is_not_read endless_body_is_not_read
                answer_of_the_largest_size_is_read chunks_are_joined,
            connections: refused_connection_is_tried_again unknown_host_was_not_sent
                dropped_before_reading_is_repeated_only_if_safe,
            derived: settings_of_one_part_of_a_program headers_go_with_every_attempt another_product_is_called
                other_products_are_not_repeated_blindly,
            faults: every_plain_fault_is_said silent_source_ends_with_the_call
                token_that_is_none_is_a_bad_credential,
            input: no_region no_credential empty_secret bad_endpoint bad_region empty_image_list two_images
                no_destination bad_action_name,
            job: copies_to_every_destination image_that_is_not_there_starts_nothing
                regions_are_known_before_anything_is_started lost_answer_is_not_sent_again
                one_destination_fails_alone every_fault_at_every_step,
            lists: every_item_of_every_page every_page list_by_name list_that_was_left refused_page_ends_the_list
                throttled_page_is_tried_again dropped_list_asks_for_no_more waits_for_a_state
                waits_for_all_images,
            local: every_documented_refusal signs_every_way sees_what_it_did wrong_key_is_the_credentials_fault
                unknown_id_is_the_credentials_fault call_by_name skewed_endpoint_is_followed many_threads_share_a_client
                rate_limit_is_kept throttling_endpoint_is_waited_for no_second_copy_after_a_lost_answer
                dry_run_changes_nothing whose_a_key_is whose_a_role_is,
            retries: throttled_then_fine server_errors_then_fine unclear_failure_is_not_repeated
                lost_answer_is_repeated_only_if_safe slow_answer_ends_with_its_attempt slow_body_ends_with_its_attempt
                clock_is_corrected_once,
            secure: nothing_secret_is_shown,
            sources: environment tccli_alone process_that_prints_a_key instance_role instance_without_a_role
                role_assumed_with_a_key role_assumed_with_the_instances_role role_that_is_not_there
                web_identity_is_read_anew nothing_anywhere many_callers_ask_once no_source_shows_its_secret,
        );
    };
    (clients, $shell:ty) => {
        $crate::scenarios!(@ $shell:
            cancelled: hanging_read_ends_with_the_cancel half_an_answer_ends_with_the_cancel
                hanging_write_ends_after_its_grace late_answer_to_a_write_is_heard
                write_without_a_connection_was_not_sent connection_outlives_a_job_that_could_be_cancelled,
            derived: a_part_of_a_program_keeps_connections,
            connections: connection_is_kept closed_connection_is_replaced proxy_is_used_for_plain_http
                proxy_that_is_not_there_was_not_sent bad_proxy,
            faults: every_fault_is_said,
            proxies: http_through_a_proxy_names_its_host socks_proxy_resolves_names socks_proxy_is_given_addresses tls_through_a_socks_proxy
                socks_proxy_that_refuses_was_not_sent no_proxy_leads_past_the_proxy
                proxy_password_may_have_any_character,
            secure: extra_authority_is_trusted platform_authorities_stay_trusted unknown_authority_is_refused wrong_host_is_refused bad_authority
                tls_through_a_proxy cut_off_handshake_was_not_sent handshake_that_takes_too_long_was_not_sent,
        );
    };
    (@ $shell:ty: $($module:ident: $($name:ident)+,)+) => {
        $(mod $module {
            use super::*;
            $(#[test]
            fn $name() {
                $crate::scenarios::$module::$name::<$shell>();
            })+
        })+
    };
}
