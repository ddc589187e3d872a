// Written by `deno task gen` from the routes of the manager.

export interface paths {
    "/api/v1/users/signin": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Sign in */
        post: operations["post_api_v1_users_signin"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/users/signout": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Sign out */
        post: operations["post_api_v1_users_signout"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/users/refresh_token": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Renew a session */
        post: operations["post_api_v1_users_refresh_token"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/users/signup": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Make an account */
        post: operations["post_api_v1_users_signup"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/users/{id}/reset_password": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Change a password with the old one */
        post: operations["post_api_v1_users_id_reset_password"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/session": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Show the session of the caller */
        get: operations["get_api_v1_session"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/users/signin/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Begin to sign in at a provider */
        get: operations["get_api_v1_users_signin_name"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/users/signin/{name}/callback": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Come back from a provider */
        get: operations["get_api_v1_users_signin_name_callback"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/users": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List users */
        get: operations["get_api_v1_users"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/users/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Show a user */
        get: operations["get_api_v1_users_id"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /** Change a user */
        patch: operations["patch_api_v1_users_id"];
        trace?: never;
    };
    "/api/v1/users/{id}/roles": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the roles of a user */
        get: operations["get_api_v1_users_id_roles"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/users/{id}/roles/{role}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /** Give a role to a user */
        put: operations["put_api_v1_users_id_roles_role"];
        post?: never;
        /** Take a role from a user */
        delete: operations["delete_api_v1_users_id_roles_role"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/roles": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List roles */
        get: operations["get_api_v1_roles"];
        put?: never;
        /** Make a role */
        post: operations["post_api_v1_roles"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/roles/{role}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Show the rights of a role */
        get: operations["get_api_v1_roles_role"];
        put?: never;
        post?: never;
        /** Remove a role */
        delete: operations["delete_api_v1_roles_role"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/roles/{role}/permissions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Give a right to a role */
        post: operations["post_api_v1_roles_role_permissions"];
        /** Take a right from a role */
        delete: operations["delete_api_v1_roles_role_permissions"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/permissions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List all rights that can be given */
        get: operations["get_api_v1_permissions"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/oauth": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List providers of sign-ins */
        get: operations["get_api_v1_oauth"];
        put?: never;
        /** Add a provider of sign-ins */
        post: operations["post_api_v1_oauth"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/oauth/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Show a provider of sign-ins */
        get: operations["get_api_v1_oauth_id"];
        put?: never;
        post?: never;
        /** Remove a provider of sign-ins */
        delete: operations["delete_api_v1_oauth_id"];
        options?: never;
        head?: never;
        /** Change a provider of sign-ins */
        patch: operations["patch_api_v1_oauth_id"];
        trace?: never;
    };
    "/api/v1/clusters/match": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Explain which cluster a host belongs to */
        get: operations["get_api_v1_clusters_match"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/clusters/{id}/swarms": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List tasks that move, or did a while ago */
        get: operations["get_api_v1_clusters_id_swarms"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/clusters/{id}/swarm": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Show who gets a task from whom */
        get: operations["get_api_v1_clusters_id_swarm"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/clusters/{id}/pulls": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Explain the pulls of a host */
        get: operations["get_api_v1_clusters_id_pulls"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/clusters": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List clusters */
        get: operations["get_api_v1_clusters"];
        put?: never;
        /** Make a cluster */
        post: operations["post_api_v1_clusters"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/clusters/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Show a cluster */
        get: operations["get_api_v1_clusters_id"];
        put?: never;
        post?: never;
        /** Remove a cluster */
        delete: operations["delete_api_v1_clusters_id"];
        options?: never;
        head?: never;
        /** Change a cluster */
        patch: operations["patch_api_v1_clusters_id"];
        trace?: never;
    };
    "/api/v1/overview": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Show throughput, savings, the health of clusters and what should be looked at */
        get: operations["get_api_v1_overview"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/savings": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Show bytes by where they came from */
        get: operations["get_api_v1_savings"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/scheduler-clusters": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List scheduler clusters */
        get: operations["get_api_v1_scheduler_clusters"];
        put?: never;
        /** Make a scheduler cluster */
        post: operations["post_api_v1_scheduler_clusters"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/scheduler-clusters/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Show a scheduler cluster */
        get: operations["get_api_v1_scheduler_clusters_id"];
        put?: never;
        post?: never;
        /** Remove a scheduler cluster */
        delete: operations["delete_api_v1_scheduler_clusters_id"];
        options?: never;
        head?: never;
        /** Change a scheduler cluster */
        patch: operations["patch_api_v1_scheduler_clusters_id"];
        trace?: never;
    };
    "/api/v1/scheduler-clusters/{id}/schedulers/{scheduler_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /** Move a scheduler to a cluster */
        put: operations["put_api_v1_scheduler_clusters_id_schedulers_scheduler_id"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/seed-peer-clusters": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List seed peer clusters */
        get: operations["get_api_v1_seed_peer_clusters"];
        put?: never;
        /** Make a seed peer cluster */
        post: operations["post_api_v1_seed_peer_clusters"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/seed-peer-clusters/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Show a seed peer cluster */
        get: operations["get_api_v1_seed_peer_clusters_id"];
        put?: never;
        post?: never;
        /** Remove a seed peer cluster */
        delete: operations["delete_api_v1_seed_peer_clusters_id"];
        options?: never;
        head?: never;
        /** Change a seed peer cluster */
        patch: operations["patch_api_v1_seed_peer_clusters_id"];
        trace?: never;
    };
    "/api/v1/seed-peer-clusters/{id}/seed-peers/{seed_peer_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /** Move a seed peer to a cluster */
        put: operations["put_api_v1_seed_peer_clusters_id_seed_peers_seed_peer_id"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/seed-peer-clusters/{id}/scheduler-clusters/{scheduler_cluster_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /** Make a seed peer cluster the one of a scheduler cluster */
        put: operations["put_api_v1_seed_peer_clusters_id_scheduler_clusters_scheduler_cluster_id"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/schedulers": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List schedulers */
        get: operations["get_api_v1_schedulers"];
        put?: never;
        /** Register a scheduler */
        post: operations["post_api_v1_schedulers"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/schedulers/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Show a scheduler */
        get: operations["get_api_v1_schedulers_id"];
        put?: never;
        post?: never;
        /** Remove a scheduler */
        delete: operations["delete_api_v1_schedulers_id"];
        options?: never;
        head?: never;
        /** Change a scheduler */
        patch: operations["patch_api_v1_schedulers_id"];
        trace?: never;
    };
    "/api/v1/scheduler-features": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List what schedulers may do */
        get: operations["get_api_v1_scheduler_features"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/seed-peers": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List seed peers */
        get: operations["get_api_v1_seed_peers"];
        put?: never;
        /** Register a seed peer */
        post: operations["post_api_v1_seed_peers"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/seed-peers/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Show a seed peer */
        get: operations["get_api_v1_seed_peers_id"];
        put?: never;
        post?: never;
        /** Remove a seed peer */
        delete: operations["delete_api_v1_seed_peers_id"];
        options?: never;
        head?: never;
        /** Change a seed peer */
        patch: operations["patch_api_v1_seed_peers_id"];
        trace?: never;
    };
    "/api/v1/peers": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List peers */
        get: operations["get_api_v1_peers"];
        put?: never;
        /** Add a peer */
        post: operations["post_api_v1_peers"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/peers/versions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Count the releases that peers of a cluster run */
        get: operations["get_api_v1_peers_versions"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/peers/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Show a peer */
        get: operations["get_api_v1_peers_id"];
        put?: never;
        post?: never;
        /** Remove a peer */
        delete: operations["delete_api_v1_peers_id"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/applications": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List applications */
        get: operations["get_api_v1_applications"];
        put?: never;
        /** Name an application */
        post: operations["post_api_v1_applications"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/applications/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Show an application */
        get: operations["get_api_v1_applications_id"];
        put?: never;
        post?: never;
        /** Remove an application */
        delete: operations["delete_api_v1_applications_id"];
        options?: never;
        head?: never;
        /** Change an application */
        patch: operations["patch_api_v1_applications_id"];
        trace?: never;
    };
    "/api/v1/configs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List settings */
        get: operations["get_api_v1_configs"];
        put?: never;
        /** Add a setting */
        post: operations["post_api_v1_configs"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/configs/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Show a setting */
        get: operations["get_api_v1_configs_id"];
        put?: never;
        post?: never;
        /** Remove a setting */
        delete: operations["delete_api_v1_configs_id"];
        options?: never;
        head?: never;
        /** Change a setting */
        patch: operations["patch_api_v1_configs_id"];
        trace?: never;
    };
    "/api/v1/jobs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List jobs */
        get: operations["get_api_v1_jobs"];
        put?: never;
        /** Order a job */
        post: operations["post_api_v1_jobs"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/jobs/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Show a job */
        get: operations["get_api_v1_jobs_id"];
        put?: never;
        post?: never;
        /** Cancel and remove a job */
        delete: operations["delete_api_v1_jobs_id"];
        options?: never;
        head?: never;
        /** Change what a job says of itself */
        patch: operations["patch_api_v1_jobs_id"];
        trace?: never;
    };
    "/api/v1/jobs/{id}/cancel": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Cancel a job, which then has failed; one that another manager runs ends within seconds */
        post: operations["post_api_v1_jobs_id_cancel"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/jobs/{id}/retry": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Run again what failed of a job, as long as its order is kept */
        post: operations["post_api_v1_jobs_id_retry"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/warm-images": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List warm images */
        get: operations["get_api_v1_warm_images"];
        put?: never;
        /** Declare a warm image */
        post: operations["post_api_v1_warm_images"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/warm-images/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Show a warm image */
        get: operations["get_api_v1_warm_images_id"];
        put?: never;
        post?: never;
        /** Remove a warm image; a job that runs goes on */
        delete: operations["delete_api_v1_warm_images_id"];
        options?: never;
        head?: never;
        /** Change a warm image */
        patch: operations["patch_api_v1_warm_images_id"];
        trace?: never;
    };
    "/api/v1/warm-images/{id}/run": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Run a warm image now */
        post: operations["post_api_v1_warm_images_id_run"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/personal-access-tokens": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List personal access tokens */
        get: operations["get_api_v1_personal_access_tokens"];
        put?: never;
        /** Make a personal access token */
        post: operations["post_api_v1_personal_access_tokens"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/personal-access-tokens/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Show a personal access token */
        get: operations["get_api_v1_personal_access_tokens_id"];
        put?: never;
        post?: never;
        /** Remove a personal access token */
        delete: operations["delete_api_v1_personal_access_tokens_id"];
        options?: never;
        head?: never;
        /** Change a personal access token */
        patch: operations["patch_api_v1_personal_access_tokens_id"];
        trace?: never;
    };
    "/api/v1/persistent-cache-tasks": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List persistent cache tasks */
        get: operations["get_api_v1_persistent_cache_tasks"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/persistent-cache-tasks/shares": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Count persistent cache tasks by application and tag */
        get: operations["get_api_v1_persistent_cache_tasks_shares"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/persistent-cache-tasks/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Show a persistent cache task with its copies */
        get: operations["get_api_v1_persistent_cache_tasks_id"];
        put?: never;
        post?: never;
        /** Remove a persistent cache task, and its copies */
        delete: operations["delete_api_v1_persistent_cache_tasks_id"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/audits": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List audits */
        get: operations["get_api_v1_audits"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        Application: {
            id: number;
            created_at: string;
            updated_at: string;
            is_del: number;
            name: string;
            url: string;
            bio: string;
            priority: {
                value: number;
                urls?: {
                    regex: string;
                    value: number;
                }[] | null;
            };
            user_id: number;
            user: components["schemas"]["User"] | null;
        };
        Audit: {
            id: number;
            created_at: string;
            updated_at: string;
            is_del: number;
            /** @enum {string} */
            actor_type: "UNKNOWN" | "USER" | "PAT";
            actor_name: string;
            event_type: string;
            operation: string;
            operated_at: string;
            /** @enum {string} */
            state: "SUCCESS" | "FAILURE";
            path: string;
            status_code: number;
            detail: {
                [key: string]: unknown;
            };
        };
        Cluster: {
            id: number;
            name: string;
            bio: string;
            scopes: {
                idc?: string | null;
                location?: string | null;
                cidrs?: string[] | null;
                hostnames?: string[] | null;
            };
            scheduler_cluster_id: number;
            seed_peer_cluster_id: number;
            scheduler_cluster_config: {
                candidate_parent_limit?: (0 | number) | null;
                filter_parent_limit?: (0 | number) | null;
                job_rate_limit?: (0 | number) | null;
            };
            seed_peer_cluster_config: {
                load_limit?: (0 | number) | null;
                block_list?: {
                    task?: {
                        download?: {
                            applications?: string[] | null;
                            urls?: string[] | null;
                            tags?: string[] | null;
                            priorities?: number[] | null;
                        } | null;
                    } | null;
                    persistent_task?: {
                        download?: {
                            applications?: string[] | null;
                            urls?: string[] | null;
                            tags?: string[] | null;
                            priorities?: number[] | null;
                        } | null;
                        upload?: {
                            applications?: string[] | null;
                            urls?: string[] | null;
                            tags?: string[] | null;
                        } | null;
                    } | null;
                    persistent_cache_task?: {
                        download?: {
                            applications?: string[] | null;
                            urls?: string[] | null;
                            tags?: string[] | null;
                            priorities?: number[] | null;
                        } | null;
                        upload?: {
                            applications?: string[] | null;
                            urls?: string[] | null;
                            tags?: string[] | null;
                        } | null;
                    } | null;
                } | null;
            };
            peer_cluster_config: {
                load_limit?: (0 | number) | null;
                block_list?: {
                    task?: {
                        download?: {
                            applications?: string[] | null;
                            urls?: string[] | null;
                            tags?: string[] | null;
                            priorities?: number[] | null;
                        } | null;
                    } | null;
                    persistent_task?: {
                        download?: {
                            applications?: string[] | null;
                            urls?: string[] | null;
                            tags?: string[] | null;
                            priorities?: number[] | null;
                        } | null;
                        upload?: {
                            applications?: string[] | null;
                            urls?: string[] | null;
                            tags?: string[] | null;
                        } | null;
                    } | null;
                    persistent_cache_task?: {
                        download?: {
                            applications?: string[] | null;
                            urls?: string[] | null;
                            tags?: string[] | null;
                            priorities?: number[] | null;
                        } | null;
                        upload?: {
                            applications?: string[] | null;
                            urls?: string[] | null;
                            tags?: string[] | null;
                        } | null;
                    } | null;
                } | null;
            };
            created_at: string;
            updated_at: string;
            is_default: boolean;
        };
        ClusterMatch: {
            id: number;
            name: string;
            /** @description The CIDR of the cluster that holds the IP address. */
            cidr: string | null;
            /** @description The pattern of the cluster that fits the host name. */
            hostname: string | null;
            idc: boolean;
            /** @description How many leading elements of the location agree. */
            location_elements: number;
            is_default: boolean;
            live_schedulers: number;
        };
        ClusterOverview: {
            id: number;
            name: string;
            is_default: boolean;
            /** @enum {string} */
            health: "good" | "degraded" | "down";
            schedulers: {
                total: number;
                active: number;
            };
            seed_peers: {
                total: number;
                active: number;
            };
            peers: {
                total: number;
                active: number;
            };
            /** @description Active peers of another make. */
            stock_peers: number;
        };
        Config: {
            id: number;
            created_at: string;
            updated_at: string;
            is_del: number;
            name: string;
            value: string;
            bio: string;
            user_id: number;
            user: components["schemas"]["User"] | null;
        };
        Failure: {
            message: string;
        };
        Finding: {
            /** @enum {string} */
            kind: "default_password" | "no_live_scheduler" | "inactive_schedulers" | "inactive_seed_peers" | "failed_preheats" | "version_skew";
            cluster: {
                id: number;
                name: string;
            } | null;
            count: number;
            /** @description Hosts or releases, the first ones. */
            names: string[];
        };
        Invalid: {
            errors: string;
        };
        Job: {
            id: number;
            created_at: string;
            updated_at: string;
            is_del: number;
            task_id: string;
            bio: string;
            type: string;
            /** @enum {string} */
            state: "PENDING" | "SUCCESS" | "FAILURE";
            /** @description What was ordered; passwords, tokens, signatures and what headers hold are left out. */
            args: {
                [key: string]: unknown;
            };
            /** @description How far the job is, a few seconds old at most: job_states has one entry for each scheduler cluster, whose results[0] lists what became of which host (success_tasks, failure_tasks, peers) and, for a preheat, of each content (contents). The lists are cut off where a row would be too large, and after 3 entries in a list of jobs; success_count, failure_count, peer_count, content_count, content_done_count and host_count count all. Of expected_count contents on hosts success_count and failure_count are over; it is 0 as long as it is not known. progress has the sums of all clusters. */
            result: {
                [key: string]: unknown;
            } | null;
            user_id: number;
            user: components["schemas"]["User"] | null;
            seed_peer_clusters: {
                id: number;
                name: string;
            }[] | null;
            scheduler_clusters: {
                id: number;
                name: string;
            }[] | null;
        };
        OauthProvider: {
            id: number;
            created_at: string;
            updated_at: string;
            is_del: number;
            name: string;
            bio: string;
            client_id: string;
            redirect_url: string;
        };
        OriginPrice: {
            /** @description Of 1,000,000,000 bytes, as clouds count them. */
            per_gb: number;
            /** @description ISO 4217. */
            currency: string;
        };
        Overview: {
            /** @description The last 60 whole minutes, in order. */
            minutes: components["schemas"]["TrafficMinute"][];
            day: {
                /** @description From registries and other servers. */
                origin_bytes: number;
                /** @description From other hosts. */
                peer_bytes: number;
                /** @description From the disk of the host itself. */
                local_bytes: number;
                /** @description What programs on hosts got. */
                served_bytes: number;
                /** @description What registries would have sent besides: served less origin. Below 0 for what was only preheated. */
                saved_bytes: number;
                pulls: number;
            };
            week: {
                /** @description From registries and other servers. */
                origin_bytes: number;
                /** @description From other hosts. */
                peer_bytes: number;
                /** @description From the disk of the host itself. */
                local_bytes: number;
                /** @description What programs on hosts got. */
                served_bytes: number;
                /** @description What registries would have sent besides: served less origin. Below 0 for what was only preheated. */
                saved_bytes: number;
                pulls: number;
            };
            origin_price: components["schemas"]["OriginPrice"] | null;
            cluster_count: number;
            /** @description The worst come first; 100 at most. */
            clusters: components["schemas"]["ClusterOverview"][];
            finding_count: number;
            /** @description What should be looked at, of what the caller may see; the worst first, 100 at most. */
            findings: components["schemas"]["Finding"][];
        };
        Peer: {
            id: number;
            created_at: string;
            updated_at: string;
            is_del: number;
            host_name: string;
            type: string;
            idc: string;
            location: string;
            ip: string;
            port: number;
            download_port: number;
            proxy_port: number;
            object_storage_port: number;
            /** @enum {string} */
            state: "active" | "inactive";
            os: string;
            platform: string;
            platform_family: string;
            platform_version: string;
            kernel_version: string;
            git_version: string;
            git_commit: string;
            build_platform: string;
            scheduler_cluster_id: number;
            scheduler_cluster: components["schemas"]["SchedulerCluster"] | null;
        };
        PeerVersion: {
            git_version: string;
            git_commit: string;
            /** @enum {string} */
            state: "active" | "inactive";
            count: number;
        };
        PersistentCachePeer: {
            id: string;
            persistent: boolean;
            state: string;
            /** @description Nanoseconds. */
            cost: number;
            created_at: string;
            updated_at: string;
            host: {
                id: string;
                type: string;
                hostname: string;
                ip: string;
                port: number;
                download_port: number;
                os: string;
                platform: string;
                platform_family: string;
                platform_version: string;
                kernel_version: string;
                idc: string;
                location: string;
            } | null;
        };
        PersistentCacheShare: {
            application: string;
            tag: string;
            count: number;
            content_length: number;
        };
        PersistentCacheTask: {
            id: string;
            persistent_replica_count: number;
            current_persistent_replica_count: number;
            current_replica_count: number;
            tag: string;
            application: string;
            piece_length: number;
            content_length: number;
            total_piece_count: number;
            state: string;
            /** @description Nanoseconds. */
            ttl: number;
            created_at: string;
            updated_at: string;
            peers: null;
        };
        PersistentCacheTaskWithPeers: {
            id: string;
            persistent_replica_count: number;
            current_persistent_replica_count: number;
            current_replica_count: number;
            tag: string;
            application: string;
            piece_length: number;
            content_length: number;
            total_piece_count: number;
            state: string;
            /** @description Nanoseconds. */
            ttl: number;
            created_at: string;
            updated_at: string;
            peers: components["schemas"]["PersistentCachePeer"][];
        };
        PersonalAccessToken: {
            id: number;
            created_at: string;
            updated_at: string;
            is_del: number;
            name: string;
            bio: string;
            /** @description The secret, in the answer that makes it; empty in all others. */
            token: string;
            scopes: string[];
            /** @enum {string} */
            state: "active" | "inactive";
            expired_at: string;
            user_id: number;
            user: components["schemas"]["User"] | null;
        };
        Pull: {
            task_id: string;
            url: string;
            registry: string;
            repository: string;
            digest: string | null;
            application: string | null;
            requester: string | null;
            is_triggered: boolean;
            is_hit: boolean;
            is_running: boolean;
            started_at: string | null;
            first_byte_ms: number | null;
            duration_ms: number;
            content_length: number;
            origin_bytes: number;
            peer_bytes: number;
            local_bytes: number;
            parents: components["schemas"]["PullParent"][];
            events: components["schemas"]["PullEvent"][];
            dropped_events: number;
            error: string | null;
            cause: string;
            lost_ms: number;
            reason: string;
        };
        PullEvent: {
            /** @description One of source_answer, source_busy, source_denied, source_tls, source_failure, no_scheduler, no_manager, scheduler_silent, scheduler_failure, decision, seed_awaited, to_parents, to_source, first_piece, parent_stalled, parent_failed, parent_lied, parents_waiting, held, disk, seal. */
            kind: string;
            /** @description When it ended, since the pull began. */
            at_ms: number;
            /** @description For how long it was waited. */
            ms: number;
            subject: string;
            detail: string;
            /** @description Whether it is the slow part of the pull. */
            slow: boolean;
        };
        PullParent: {
            peer_id: string;
            host_id: string;
            hostname: string;
            ip: string;
            idc: string;
            is_seed: boolean;
            pieces: number;
            bytes: number;
        };
        Pulls: {
            host_id: string;
            hostname: string;
            ip: string;
            tag_digest: string | null;
            /** @description In the order of their starts; without a name the newest first. */
            pulls: components["schemas"]["Pull"][];
            /** @description Place among the pulls of the one that is explained; -1 when there are none. */
            slowest: number;
            /** @description What made it slow, as `dfctl explain` says it. */
            sentence: string;
        };
        Savings: {
            since: string;
            /** @enum {string} */
            by: "registry" | "repository" | "application" | "idc" | "hour";
            total: {
                /** @description From registries and other servers. */
                origin_bytes: number;
                /** @description From other hosts. */
                peer_bytes: number;
                /** @description From the disk of the host itself. */
                local_bytes: number;
                /** @description What programs on hosts got. */
                served_bytes: number;
                /** @description What registries would have sent besides: served less origin. Below 0 for what was only preheated. */
                saved_bytes: number;
                pulls: number;
            };
            /** @description What bytes from registries cost, where that is set. */
            origin_price: components["schemas"]["OriginPrice"] | null;
            /** @description What was served most comes first; 1000 at most. All hours in order. */
            rows: components["schemas"]["SavingsRow"][];
        };
        SavingsRow: {
            name: string;
            /** @description From registries and other servers. */
            origin_bytes: number;
            /** @description From other hosts. */
            peer_bytes: number;
            /** @description From the disk of the host itself. */
            local_bytes: number;
            /** @description What programs on hosts got. */
            served_bytes: number;
            /** @description What registries would have sent besides: served less origin. Below 0 for what was only preheated. */
            saved_bytes: number;
            pulls: number;
        };
        Scheduler: {
            id: number;
            created_at: string;
            updated_at: string;
            is_del: number;
            config: {
                manager_keep_alive_interval: number;
            };
            host_name: string;
            idc: string;
            location: string;
            ip: string;
            port: number;
            /** @enum {string} */
            state: "active" | "inactive";
            features: string[];
            last_keep_alive_at: string;
            scheduler_cluster_id: number;
            scheduler_cluster: null;
        };
        SchedulerCluster: {
            id: number;
            created_at: string;
            updated_at: string;
            is_del: number;
            name: string;
            bio: string;
            config: {
                candidate_parent_limit?: (0 | number) | null;
                filter_parent_limit?: (0 | number) | null;
                job_rate_limit?: (0 | number) | null;
            };
            client_config: {
                load_limit?: (0 | number) | null;
                block_list?: {
                    task?: {
                        download?: {
                            applications?: string[] | null;
                            urls?: string[] | null;
                            tags?: string[] | null;
                            priorities?: number[] | null;
                        } | null;
                    } | null;
                    persistent_task?: {
                        download?: {
                            applications?: string[] | null;
                            urls?: string[] | null;
                            tags?: string[] | null;
                            priorities?: number[] | null;
                        } | null;
                        upload?: {
                            applications?: string[] | null;
                            urls?: string[] | null;
                            tags?: string[] | null;
                        } | null;
                    } | null;
                    persistent_cache_task?: {
                        download?: {
                            applications?: string[] | null;
                            urls?: string[] | null;
                            tags?: string[] | null;
                            priorities?: number[] | null;
                        } | null;
                        upload?: {
                            applications?: string[] | null;
                            urls?: string[] | null;
                            tags?: string[] | null;
                        } | null;
                    } | null;
                } | null;
            };
            seed_client_config: {
                block_list?: {
                    task?: {
                        download?: {
                            applications?: string[] | null;
                            urls?: string[] | null;
                            tags?: string[] | null;
                            priorities?: number[] | null;
                        } | null;
                    } | null;
                    persistent_task?: {
                        download?: {
                            applications?: string[] | null;
                            urls?: string[] | null;
                            tags?: string[] | null;
                            priorities?: number[] | null;
                        } | null;
                        upload?: {
                            applications?: string[] | null;
                            urls?: string[] | null;
                            tags?: string[] | null;
                        } | null;
                    } | null;
                    persistent_cache_task?: {
                        download?: {
                            applications?: string[] | null;
                            urls?: string[] | null;
                            tags?: string[] | null;
                            priorities?: number[] | null;
                        } | null;
                        upload?: {
                            applications?: string[] | null;
                            urls?: string[] | null;
                            tags?: string[] | null;
                        } | null;
                    } | null;
                } | null;
            };
            scopes: {
                idc?: string | null;
                location?: string | null;
                cidrs?: string[] | null;
                hostnames?: string[] | null;
            };
            is_default: boolean;
            seed_peer_clusters: components["schemas"]["SeedPeerCluster"][] | null;
            schedulers: null;
            peers: null;
            jobs: null;
        };
        SeedPeer: {
            id: number;
            created_at: string;
            updated_at: string;
            is_del: number;
            host_name: string;
            type: string;
            idc: string;
            location: string;
            ip: string;
            port: number;
            download_port: number;
            object_storage_port: number;
            /** @enum {string} */
            state: "active" | "inactive";
            seed_peer_cluster_id: number;
            seed_peer_cluster: null;
        };
        SeedPeerCluster: {
            id: number;
            created_at: string;
            updated_at: string;
            is_del: number;
            name: string;
            bio: string;
            config: {
                load_limit?: (0 | number) | null;
                block_list?: {
                    task?: {
                        download?: {
                            applications?: string[] | null;
                            urls?: string[] | null;
                            tags?: string[] | null;
                            priorities?: number[] | null;
                        } | null;
                    } | null;
                    persistent_task?: {
                        download?: {
                            applications?: string[] | null;
                            urls?: string[] | null;
                            tags?: string[] | null;
                            priorities?: number[] | null;
                        } | null;
                        upload?: {
                            applications?: string[] | null;
                            urls?: string[] | null;
                            tags?: string[] | null;
                        } | null;
                    } | null;
                    persistent_cache_task?: {
                        download?: {
                            applications?: string[] | null;
                            urls?: string[] | null;
                            tags?: string[] | null;
                            priorities?: number[] | null;
                        } | null;
                        upload?: {
                            applications?: string[] | null;
                            urls?: string[] | null;
                            tags?: string[] | null;
                        } | null;
                    } | null;
                } | null;
            };
            scheduler_clusters: null;
            seed_peer: null;
            jobs: null;
        };
        Session: {
            /** @description Who is signed in; null for nobody. */
            user: components["schemas"]["User"] | null;
            permissions: {
                object: string;
                /** @enum {string} */
                action: "read" | "*";
            }[];
            /** @description Whether everybody knows the password of this user. */
            has_default_password: boolean;
            /** @description Whether nothing else is allowed until it is changed. */
            must_change_password: boolean;
            /** @description Whether people may make accounts for themselves. */
            open_sign_up: boolean;
            version: string;
        };
        Swarm: {
            scheduler_id: number;
            /** @description Host name of the scheduler that has the task. */
            scheduler: string;
            task_id: string;
            url: string;
            digest: string | null;
            /** @description In bytes; 0 while unknown. */
            content_length: number;
            counts: components["schemas"]["SwarmCounts"];
            /** @description When it began to move, or stopped. */
            since: string;
            /** @description At most 600 peers; times are milliseconds since `begun_at`. */
            members: components["schemas"]["SwarmMember"][];
            /** @description Peers that are not among them. */
            others: number;
            places: components["schemas"]["SwarmPlace"][];
            begun_at: string;
            now_ms: number;
        };
        SwarmCounts: {
            waiting: number;
            downloading: number;
            at_source: number;
            done: number;
            failed: number;
        };
        SwarmFeed: {
            /** @description Place among the members; null is the source. */
            from: number | null;
            since_ms: number;
            until_ms: number;
            pieces: number;
        };
        SwarmMember: {
            peer_id: string;
            host_id: string;
            hostname: string;
            ip: string;
            place: string;
            is_seed: boolean;
            begun_ms: number;
            started_ms: number | null;
            at_source_ms: number | null;
            ended_ms: number | null;
            is_failed: boolean;
            /** @description When each tenth of its pieces was there. */
            tenths_ms: number[];
            pieces: number;
            piece_count: number;
            feeds: components["schemas"]["SwarmFeed"][];
        };
        SwarmPlace: {
            name: string;
            counts: components["schemas"]["SwarmCounts"];
            flows: {
                /** @description Place among the places; null is the source. */
                from: number | null;
                pieces: number;
            }[];
        };
        SwarmSummary: {
            scheduler_id: number;
            /** @description Host name of the scheduler that has the task. */
            scheduler: string;
            task_id: string;
            url: string;
            digest: string | null;
            /** @description In bytes; 0 while unknown. */
            content_length: number;
            counts: components["schemas"]["SwarmCounts"];
            /** @description When it began to move, or stopped. */
            since: string;
        };
        Swarms: {
            /** @description Who has moved for longest comes first; who stopped last. */
            swarms: components["schemas"]["SwarmSummary"][];
            /** @description At most 1,000: of more the others cannot be paged to. */
            total: number;
            /** @description Schedulers of which nothing is known, and why. */
            silent: {
                scheduler: string;
                reason: string;
            }[];
        };
        /** @description Bytes that hosts told of within the minute. */
        TrafficMinute: {
            at: string;
            origin_bytes: number;
            peer_bytes: number;
            local_bytes: number;
        };
        User: {
            id: number;
            created_at: string;
            updated_at: string;
            is_del: number;
            email: string;
            name: string;
            avatar: string;
            phone: string;
            /** @enum {string} */
            state: "enable" | "disable";
            location: string;
            bio: string;
            configs: null;
        };
        WarmImage: {
            id: number;
            created_at: string;
            updated_at: string;
            is_del: number;
            name: string;
            bio: string;
            /** @description Those of a preheat; passwords, tokens, signatures and what headers hold are left out. */
            args: {
                [key: string]: unknown;
            };
            /** @description None stands for all clusters. */
            scheduler_cluster_ids: number[];
            cron: string;
            time_zone: string;
            follow: number;
            on_join: boolean;
            paused: boolean;
            user_id: number;
            user: components["schemas"]["User"] | null;
            status: {
                /** @description The job that runs; 0 while none does. */
                job_id: number;
                /** @description The last jobs, the newest first. */
                job_ids: number[];
                last_run_at: string;
                /** @enum {string} */
                last_state: "" | "PENDING" | "SUCCESS" | "FAILURE";
                last_error: string;
                /** @description Runs that failed one after another. */
                failures: number;
                /** @description Runs that were left out, for the one before still ran. */
                skipped: number;
                next_run_at: string;
                /** @description What the tag was when it was asked last. */
                digest: string;
                /** @description What the tag was when it was warmed last. */
                warm_digest: string;
                next_check_at: string;
                check_error: string;
                check_failures: number;
                /** @description Hosts of its clusters and how many have it, as far as on_join goes; null in lists and without on_join. */
                hosts: {
                    known: number;
                    warm: number;
                    failing: number;
                } | null;
            };
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    post_api_v1_users_signin: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": {
                    name: string;
                    password: string;
                };
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        token: string;
                        expire: string;
                    };
                };
            };
            /** @description What was sent is wrong */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Invalid"];
                };
            };
            /** @description Refused */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    post_api_v1_users_signout: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Refused */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    post_api_v1_users_refresh_token: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        token: string;
                        expire: string;
                    };
                };
            };
            /** @description Refused */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    post_api_v1_users_signup: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": {
                    name: string;
                    password: string;
                    /** Format: email */
                    email: string;
                    phone?: string | null;
                    avatar?: string | null;
                    location?: string | null;
                    bio?: string | null;
                };
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["User"];
                };
            };
            /** @description What was sent is wrong */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Invalid"];
                };
            };
            /** @description Refused */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    post_api_v1_users_id_reset_password: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": {
                    old_password: string;
                    new_password: string;
                };
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description What was sent is wrong */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Invalid"];
                };
            };
            /** @description Refused */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    get_api_v1_session: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Session"];
                };
            };
            /** @description Refused */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    get_api_v1_users_signin_name: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description What was sent is wrong */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Invalid"];
                };
            };
            /** @description Refused */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    get_api_v1_users_signin_name_callback: {
        parameters: {
            query: {
                code: string;
                state: string;
            };
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description What was sent is wrong */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Invalid"];
                };
            };
            /** @description Refused */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    get_api_v1_users: {
        parameters: {
            query?: {
                name?: string;
                email?: string;
                location?: string;
                state?: "enable" | "disable";
                page?: number;
                per_page?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page */
            200: {
                headers: {
                    /** @description The pages prev, next, first and last */
                    Link?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["User"][];
                };
            };
            /** @description What was sent is wrong */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Invalid"];
                };
            };
            /** @description Refused */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    get_api_v1_users_id: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["User"];
                };
            };
            /** @description What was sent is wrong */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Invalid"];
                };
            };
            /** @description Refused */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    patch_api_v1_users_id: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": {
                    email?: ("" | string) | null;
                    phone?: string | null;
                    avatar?: string | null;
                    location?: string | null;
                    bio?: string | null;
                    state?: ("enable" | "disable") | null;
                };
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["User"];
                };
            };
            /** @description What was sent is wrong */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Invalid"];
                };
            };
            /** @description Refused */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    get_api_v1_users_id_roles: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": string[];
                };
            };
            /** @description What was sent is wrong */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Invalid"];
                };
            };
            /** @description Refused */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    put_api_v1_users_id_roles_role: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
                role: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description What was sent is wrong */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Invalid"];
                };
            };
            /** @description Refused */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    delete_api_v1_users_id_roles_role: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
                role: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description What was sent is wrong */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Invalid"];
                };
            };
            /** @description Refused */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    get_api_v1_roles: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": string[];
                };
            };
            /** @description Refused */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    post_api_v1_roles: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": {
                    role: string;
                    permissions: {
                        object: string;
                        /** @enum {string} */
                        action: "read" | "*";
                    }[];
                };
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description What was sent is wrong */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Invalid"];
                };
            };
            /** @description Refused */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    get_api_v1_roles_role: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                role: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": string[][];
                };
            };
            /** @description What was sent is wrong */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Invalid"];
                };
            };
            /** @description Refused */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    delete_api_v1_roles_role: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                role: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description What was sent is wrong */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Invalid"];
                };
            };
            /** @description Refused */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    post_api_v1_roles_role_permissions: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                role: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": {
                    object: string;
                    /** @enum {string} */
                    action: "read" | "*";
                };
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description What was sent is wrong */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Invalid"];
                };
            };
            /** @description Refused */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    delete_api_v1_roles_role_permissions: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                role: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": {
                    object: string;
                    /** @enum {string} */
                    action: "read" | "*";
                };
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description What was sent is wrong */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Invalid"];
                };
            };
            /** @description Refused */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    get_api_v1_permissions: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        object: string;
                        /** @enum {string} */
                        action: "read" | "*";
                    }[];
                };
            };
            /** @description Refused */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    get_api_v1_oauth: {
        parameters: {
            query?: {
                name?: string;
                client_id?: string;
                page?: number;
                per_page?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page */
            200: {
                headers: {
                    /** @description The pages prev, next, first and last */
                    Link?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OauthProvider"][];
                };
            };
            /** @description What was sent is wrong */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Invalid"];
                };
            };
            /** @description Refused */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    post_api_v1_oauth: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": {
                    /** @enum {string} */
                    name: "github" | "google";
                    client_id: string;
                    client_secret: string;
                    bio?: string | null;
                    redirect_url?: ("" | string) | null;
                };
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OauthProvider"];
                };
            };
            /** @description What was sent is wrong */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Invalid"];
                };
            };
            /** @description Refused */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    get_api_v1_oauth_id: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OauthProvider"];
                };
            };
            /** @description What was sent is wrong */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Invalid"];
                };
            };
            /** @description Refused */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    delete_api_v1_oauth_id: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description What was sent is wrong */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Invalid"];
                };
            };
            /** @description Refused */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    patch_api_v1_oauth_id: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": {
                    name?: ("" | ("github" | "google")) | null;
                    client_id?: string | null;
                    client_secret?: string | null;
                    bio?: string | null;
                    redirect_url?: ("" | string) | null;
                };
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OauthProvider"];
                };
            };
            /** @description What was sent is wrong */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Invalid"];
                };
            };
            /** @description Refused */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    get_api_v1_clusters_match: {
        parameters: {
            query?: {
                ip?: "" | string;
                hostname?: string;
                idc?: string;
                location?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        winner: number | null;
                        reason: string;
                        /** @description The cluster that a peer tries first comes first. */
                        clusters: components["schemas"]["ClusterMatch"][];
                    };
                };
            };
            /** @description What was sent is wrong */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Invalid"];
                };
            };
            /** @description Refused */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    get_api_v1_clusters_id_swarms: {
        parameters: {
            query?: {
                state?: "moving" | "stopped";
                offset?: string;
                limit?: string;
            };
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Swarms"];
                };
            };
            /** @description What was sent is wrong */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Invalid"];
                };
            };
            /** @description Refused */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    get_api_v1_clusters_id_swarm: {
        parameters: {
            query: {
                task: string;
            };
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Swarm"];
                };
            };
            /** @description What was sent is wrong */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Invalid"];
                };
            };
            /** @description Refused */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    get_api_v1_clusters_id_pulls: {
        parameters: {
            query: {
                host: string;
                name?: string;
                limit?: string;
            };
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Pulls"];
                };
            };
            /** @description What was sent is wrong */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Invalid"];
                };
            };
            /** @description Refused */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    get_api_v1_clusters: {
        parameters: {
            query?: {
                name?: string;
                page?: number;
                per_page?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page */
            200: {
                headers: {
                    /** @description The pages prev, next, first and last */
                    Link?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Cluster"][];
                };
            };
            /** @description What was sent is wrong */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Invalid"];
                };
            };
            /** @description Refused */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    post_api_v1_clusters: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": {
                    name: string;
                    bio?: string | null;
                    scopes?: {
                        idc?: string | null;
                        location?: string | null;
                        cidrs?: string[] | null;
                        hostnames?: string[] | null;
                    } | null;
                    scheduler_cluster_config: {
                        candidate_parent_limit?: (0 | number) | null;
                        filter_parent_limit?: (0 | number) | null;
                        job_rate_limit?: (0 | number) | null;
                    };
                    seed_peer_cluster_config: {
                        load_limit?: (0 | number) | null;
                        block_list?: {
                            task?: {
                                download?: {
                                    applications?: string[] | null;
                                    urls?: string[] | null;
                                    tags?: string[] | null;
                                    priorities?: number[] | null;
                                } | null;
                            } | null;
                            persistent_task?: {
                                download?: {
                                    applications?: string[] | null;
                                    urls?: string[] | null;
                                    tags?: string[] | null;
                                    priorities?: number[] | null;
                                } | null;
                                upload?: {
                                    applications?: string[] | null;
                                    urls?: string[] | null;
                                    tags?: string[] | null;
                                } | null;
                            } | null;
                            persistent_cache_task?: {
                                download?: {
                                    applications?: string[] | null;
                                    urls?: string[] | null;
                                    tags?: string[] | null;
                                    priorities?: number[] | null;
                                } | null;
                                upload?: {
                                    applications?: string[] | null;
                                    urls?: string[] | null;
                                    tags?: string[] | null;
                                } | null;
                            } | null;
                        } | null;
                    };
                    peer_cluster_config: {
                        load_limit?: (0 | number) | null;
                        block_list?: {
                            task?: {
                                download?: {
                                    applications?: string[] | null;
                                    urls?: string[] | null;
                                    tags?: string[] | null;
                                    priorities?: number[] | null;
                                } | null;
                            } | null;
                            persistent_task?: {
                                download?: {
                                    applications?: string[] | null;
                                    urls?: string[] | null;
                                    tags?: string[] | null;
                                    priorities?: number[] | null;
                                } | null;
                                upload?: {
                                    applications?: string[] | null;
                                    urls?: string[] | null;
                                    tags?: string[] | null;
                                } | null;
                            } | null;
                            persistent_cache_task?: {
                                download?: {
                                    applications?: string[] | null;
                                    urls?: string[] | null;
                                    tags?: string[] | null;
                                    priorities?: number[] | null;
                                } | null;
                                upload?: {
                                    applications?: string[] | null;
                                    urls?: string[] | null;
                                    tags?: string[] | null;
                                } | null;
                            } | null;
                        } | null;
                    };
                    is_default?: boolean | null;
                };
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Cluster"];
                };
            };
            /** @description What was sent is wrong */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Invalid"];
                };
            };
            /** @description Refused */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    get_api_v1_clusters_id: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Cluster"];
                };
            };
            /** @description What was sent is wrong */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Invalid"];
                };
            };
            /** @description Refused */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    delete_api_v1_clusters_id: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description What was sent is wrong */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Invalid"];
                };
            };
            /** @description Refused */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    patch_api_v1_clusters_id: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": {
                    name?: string | null;
                    bio?: string | null;
                    scopes?: {
                        idc?: string | null;
                        location?: string | null;
                        cidrs?: string[] | null;
                        hostnames?: string[] | null;
                    } | null;
                    scheduler_cluster_config?: {
                        candidate_parent_limit?: (0 | number) | null;
                        filter_parent_limit?: (0 | number) | null;
                        job_rate_limit?: (0 | number) | null;
                    } | null;
                    seed_peer_cluster_config?: {
                        load_limit?: (0 | number) | null;
                        block_list?: {
                            task?: {
                                download?: {
                                    applications?: string[] | null;
                                    urls?: string[] | null;
                                    tags?: string[] | null;
                                    priorities?: number[] | null;
                                } | null;
                            } | null;
                            persistent_task?: {
                                download?: {
                                    applications?: string[] | null;
                                    urls?: string[] | null;
                                    tags?: string[] | null;
                                    priorities?: number[] | null;
                                } | null;
                                upload?: {
                                    applications?: string[] | null;
                                    urls?: string[] | null;
                                    tags?: string[] | null;
                                } | null;
                            } | null;
                            persistent_cache_task?: {
                                download?: {
                                    applications?: string[] | null;
                                    urls?: string[] | null;
                                    tags?: string[] | null;
                                    priorities?: number[] | null;
                                } | null;
                                upload?: {
                                    applications?: string[] | null;
                                    urls?: string[] | null;
                                    tags?: string[] | null;
                                } | null;
                            } | null;
                        } | null;
                    } | null;
                    peer_cluster_config?: {
                        load_limit?: (0 | number) | null;
                        block_list?: {
                            task?: {
                                download?: {
                                    applications?: string[] | null;
                                    urls?: string[] | null;
                                    tags?: string[] | null;
                                    priorities?: number[] | null;
                                } | null;
                            } | null;
                            persistent_task?: {
                                download?: {
                                    applications?: string[] | null;
                                    urls?: string[] | null;
                                    tags?: string[] | null;
                                    priorities?: number[] | null;
                                } | null;
                                upload?: {
                                    applications?: string[] | null;
                                    urls?: string[] | null;
                                    tags?: string[] | null;
                                } | null;
                            } | null;
                            persistent_cache_task?: {
                                download?: {
                                    applications?: string[] | null;
                                    urls?: string[] | null;
                                    tags?: string[] | null;
                                    priorities?: number[] | null;
                                } | null;
                                upload?: {
                                    applications?: string[] | null;
                                    urls?: string[] | null;
                                    tags?: string[] | null;
                                } | null;
                            } | null;
                        } | null;
                    } | null;
                    is_default?: boolean | null;
                };
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Cluster"];
                };
            };
            /** @description What was sent is wrong */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Invalid"];
                };
            };
            /** @description Refused */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    get_api_v1_overview: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Overview"];
                };
            };
            /** @description Refused */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    get_api_v1_savings: {
        parameters: {
            query?: {
                since?: string;
                by?: "registry" | "repository" | "application" | "idc" | "hour";
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Savings"];
                };
            };
            /** @description What was sent is wrong */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Invalid"];
                };
            };
            /** @description Refused */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    get_api_v1_scheduler_clusters: {
        parameters: {
            query?: {
                name?: string;
                page?: number;
                per_page?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page */
            200: {
                headers: {
                    /** @description The pages prev, next, first and last */
                    Link?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SchedulerCluster"][];
                };
            };
            /** @description What was sent is wrong */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Invalid"];
                };
            };
            /** @description Refused */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    post_api_v1_scheduler_clusters: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": {
                    name: string;
                    bio?: string | null;
                    config: {
                        candidate_parent_limit?: (0 | number) | null;
                        filter_parent_limit?: (0 | number) | null;
                        job_rate_limit?: (0 | number) | null;
                    };
                    client_config: {
                        load_limit?: (0 | number) | null;
                        block_list?: {
                            task?: {
                                download?: {
                                    applications?: string[] | null;
                                    urls?: string[] | null;
                                    tags?: string[] | null;
                                    priorities?: number[] | null;
                                } | null;
                            } | null;
                            persistent_task?: {
                                download?: {
                                    applications?: string[] | null;
                                    urls?: string[] | null;
                                    tags?: string[] | null;
                                    priorities?: number[] | null;
                                } | null;
                                upload?: {
                                    applications?: string[] | null;
                                    urls?: string[] | null;
                                    tags?: string[] | null;
                                } | null;
                            } | null;
                            persistent_cache_task?: {
                                download?: {
                                    applications?: string[] | null;
                                    urls?: string[] | null;
                                    tags?: string[] | null;
                                    priorities?: number[] | null;
                                } | null;
                                upload?: {
                                    applications?: string[] | null;
                                    urls?: string[] | null;
                                    tags?: string[] | null;
                                } | null;
                            } | null;
                        } | null;
                    };
                    /** @default {} */
                    seed_client_config?: {
                        block_list?: {
                            task?: {
                                download?: {
                                    applications?: string[] | null;
                                    urls?: string[] | null;
                                    tags?: string[] | null;
                                    priorities?: number[] | null;
                                } | null;
                            } | null;
                            persistent_task?: {
                                download?: {
                                    applications?: string[] | null;
                                    urls?: string[] | null;
                                    tags?: string[] | null;
                                    priorities?: number[] | null;
                                } | null;
                                upload?: {
                                    applications?: string[] | null;
                                    urls?: string[] | null;
                                    tags?: string[] | null;
                                } | null;
                            } | null;
                            persistent_cache_task?: {
                                download?: {
                                    applications?: string[] | null;
                                    urls?: string[] | null;
                                    tags?: string[] | null;
                                    priorities?: number[] | null;
                                } | null;
                                upload?: {
                                    applications?: string[] | null;
                                    urls?: string[] | null;
                                    tags?: string[] | null;
                                } | null;
                            } | null;
                        } | null;
                    };
                    scopes?: {
                        idc?: string | null;
                        location?: string | null;
                        cidrs?: string[] | null;
                        hostnames?: string[] | null;
                    } | null;
                    is_default?: boolean | null;
                    seed_peer_cluster_id?: number | null;
                };
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SchedulerCluster"];
                };
            };
            /** @description What was sent is wrong */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Invalid"];
                };
            };
            /** @description Refused */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    get_api_v1_scheduler_clusters_id: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SchedulerCluster"];
                };
            };
            /** @description What was sent is wrong */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Invalid"];
                };
            };
            /** @description Refused */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    delete_api_v1_scheduler_clusters_id: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description What was sent is wrong */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Invalid"];
                };
            };
            /** @description Refused */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    patch_api_v1_scheduler_clusters_id: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": {
                    name?: string | null;
                    bio?: string | null;
                    config?: {
                        candidate_parent_limit?: (0 | number) | null;
                        filter_parent_limit?: (0 | number) | null;
                        job_rate_limit?: (0 | number) | null;
                    } | null;
                    client_config?: {
                        load_limit?: (0 | number) | null;
                        block_list?: {
                            task?: {
                                download?: {
                                    applications?: string[] | null;
                                    urls?: string[] | null;
                                    tags?: string[] | null;
                                    priorities?: number[] | null;
                                } | null;
                            } | null;
                            persistent_task?: {
                                download?: {
                                    applications?: string[] | null;
                                    urls?: string[] | null;
                                    tags?: string[] | null;
                                    priorities?: number[] | null;
                                } | null;
                                upload?: {
                                    applications?: string[] | null;
                                    urls?: string[] | null;
                                    tags?: string[] | null;
                                } | null;
                            } | null;
                            persistent_cache_task?: {
                                download?: {
                                    applications?: string[] | null;
                                    urls?: string[] | null;
                                    tags?: string[] | null;
                                    priorities?: number[] | null;
                                } | null;
                                upload?: {
                                    applications?: string[] | null;
                                    urls?: string[] | null;
                                    tags?: string[] | null;
                                } | null;
                            } | null;
                        } | null;
                    } | null;
                    seed_client_config?: {
                        block_list?: {
                            task?: {
                                download?: {
                                    applications?: string[] | null;
                                    urls?: string[] | null;
                                    tags?: string[] | null;
                                    priorities?: number[] | null;
                                } | null;
                            } | null;
                            persistent_task?: {
                                download?: {
                                    applications?: string[] | null;
                                    urls?: string[] | null;
                                    tags?: string[] | null;
                                    priorities?: number[] | null;
                                } | null;
                                upload?: {
                                    applications?: string[] | null;
                                    urls?: string[] | null;
                                    tags?: string[] | null;
                                } | null;
                            } | null;
                            persistent_cache_task?: {
                                download?: {
                                    applications?: string[] | null;
                                    urls?: string[] | null;
                                    tags?: string[] | null;
                                    priorities?: number[] | null;
                                } | null;
                                upload?: {
                                    applications?: string[] | null;
                                    urls?: string[] | null;
                                    tags?: string[] | null;
                                } | null;
                            } | null;
                        } | null;
                    } | null;
                    scopes?: {
                        idc?: string | null;
                        location?: string | null;
                        cidrs?: string[] | null;
                        hostnames?: string[] | null;
                    } | null;
                    is_default?: boolean | null;
                    seed_peer_cluster_id?: number | null;
                };
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SchedulerCluster"];
                };
            };
            /** @description What was sent is wrong */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Invalid"];
                };
            };
            /** @description Refused */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    put_api_v1_scheduler_clusters_id_schedulers_scheduler_id: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
                scheduler_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description What was sent is wrong */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Invalid"];
                };
            };
            /** @description Refused */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    get_api_v1_seed_peer_clusters: {
        parameters: {
            query?: {
                name?: string;
                page?: number;
                per_page?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page */
            200: {
                headers: {
                    /** @description The pages prev, next, first and last */
                    Link?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SeedPeerCluster"][];
                };
            };
            /** @description What was sent is wrong */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Invalid"];
                };
            };
            /** @description Refused */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    post_api_v1_seed_peer_clusters: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": {
                    name: string;
                    bio?: string | null;
                    config: {
                        load_limit?: (0 | number) | null;
                        block_list?: {
                            task?: {
                                download?: {
                                    applications?: string[] | null;
                                    urls?: string[] | null;
                                    tags?: string[] | null;
                                    priorities?: number[] | null;
                                } | null;
                            } | null;
                            persistent_task?: {
                                download?: {
                                    applications?: string[] | null;
                                    urls?: string[] | null;
                                    tags?: string[] | null;
                                    priorities?: number[] | null;
                                } | null;
                                upload?: {
                                    applications?: string[] | null;
                                    urls?: string[] | null;
                                    tags?: string[] | null;
                                } | null;
                            } | null;
                            persistent_cache_task?: {
                                download?: {
                                    applications?: string[] | null;
                                    urls?: string[] | null;
                                    tags?: string[] | null;
                                    priorities?: number[] | null;
                                } | null;
                                upload?: {
                                    applications?: string[] | null;
                                    urls?: string[] | null;
                                    tags?: string[] | null;
                                } | null;
                            } | null;
                        } | null;
                    };
                };
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SeedPeerCluster"];
                };
            };
            /** @description What was sent is wrong */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Invalid"];
                };
            };
            /** @description Refused */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    get_api_v1_seed_peer_clusters_id: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SeedPeerCluster"];
                };
            };
            /** @description What was sent is wrong */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Invalid"];
                };
            };
            /** @description Refused */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    delete_api_v1_seed_peer_clusters_id: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description What was sent is wrong */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Invalid"];
                };
            };
            /** @description Refused */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    patch_api_v1_seed_peer_clusters_id: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": {
                    name?: string | null;
                    bio?: string | null;
                    config?: {
                        load_limit?: (0 | number) | null;
                        block_list?: {
                            task?: {
                                download?: {
                                    applications?: string[] | null;
                                    urls?: string[] | null;
                                    tags?: string[] | null;
                                    priorities?: number[] | null;
                                } | null;
                            } | null;
                            persistent_task?: {
                                download?: {
                                    applications?: string[] | null;
                                    urls?: string[] | null;
                                    tags?: string[] | null;
                                    priorities?: number[] | null;
                                } | null;
                                upload?: {
                                    applications?: string[] | null;
                                    urls?: string[] | null;
                                    tags?: string[] | null;
                                } | null;
                            } | null;
                            persistent_cache_task?: {
                                download?: {
                                    applications?: string[] | null;
                                    urls?: string[] | null;
                                    tags?: string[] | null;
                                    priorities?: number[] | null;
                                } | null;
                                upload?: {
                                    applications?: string[] | null;
                                    urls?: string[] | null;
                                    tags?: string[] | null;
                                } | null;
                            } | null;
                        } | null;
                    } | null;
                };
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SeedPeerCluster"];
                };
            };
            /** @description What was sent is wrong */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Invalid"];
                };
            };
            /** @description Refused */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    put_api_v1_seed_peer_clusters_id_seed_peers_seed_peer_id: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
                seed_peer_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description What was sent is wrong */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Invalid"];
                };
            };
            /** @description Refused */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    put_api_v1_seed_peer_clusters_id_scheduler_clusters_scheduler_cluster_id: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
                scheduler_cluster_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description What was sent is wrong */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Invalid"];
                };
            };
            /** @description Refused */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    get_api_v1_schedulers: {
        parameters: {
            query?: {
                host_name?: string;
                ip?: string;
                idc?: string;
                location?: string;
                state?: "active" | "inactive";
                scheduler_cluster_id?: string;
                page?: number;
                per_page?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page */
            200: {
                headers: {
                    /** @description The pages prev, next, first and last */
                    Link?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Scheduler"][];
                };
            };
            /** @description What was sent is wrong */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Invalid"];
                };
            };
            /** @description Refused */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    post_api_v1_schedulers: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": {
                    host_name: string;
                    ip: string;
                    port: number;
                    scheduler_cluster_id: number;
                    idc?: string | null;
                    location?: string | null;
                    features?: ("schedule" | "preheat")[] | null;
                    config?: {
                        manager_keep_alive_interval?: number | null;
                    } | null;
                };
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Scheduler"];
                };
            };
            /** @description What was sent is wrong */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Invalid"];
                };
            };
            /** @description Refused */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    get_api_v1_schedulers_id: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Scheduler"];
                };
            };
            /** @description What was sent is wrong */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Invalid"];
                };
            };
            /** @description Refused */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    delete_api_v1_schedulers_id: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description What was sent is wrong */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Invalid"];
                };
            };
            /** @description Refused */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    patch_api_v1_schedulers_id: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": {
                    ip?: ("" | string) | null;
                    port?: number | null;
                    scheduler_cluster_id?: number | null;
                    idc?: string | null;
                    location?: string | null;
                    features?: ("schedule" | "preheat")[] | null;
                    config?: {
                        manager_keep_alive_interval?: number | null;
                    } | null;
                };
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Scheduler"];
                };
            };
            /** @description What was sent is wrong */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Invalid"];
                };
            };
            /** @description Refused */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    get_api_v1_scheduler_features: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": string[];
                };
            };
            /** @description Refused */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    get_api_v1_seed_peers: {
        parameters: {
            query?: {
                host_name?: string;
                type?: string;
                ip?: string;
                port?: string;
                download_port?: string;
                object_storage_port?: string;
                idc?: string;
                location?: string;
                state?: "active" | "inactive";
                seed_peer_cluster_id?: string;
                page?: number;
                per_page?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page */
            200: {
                headers: {
                    /** @description The pages prev, next, first and last */
                    Link?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SeedPeer"][];
                };
            };
            /** @description What was sent is wrong */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Invalid"];
                };
            };
            /** @description Refused */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    post_api_v1_seed_peers: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": {
                    host_name: string;
                    /** @constant */
                    type: "super";
                    ip: string;
                    port: number;
                    download_port: number;
                    object_storage_port?: number | null;
                    seed_peer_cluster_id: number;
                    idc?: string | null;
                    location?: string | null;
                };
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SeedPeer"];
                };
            };
            /** @description What was sent is wrong */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Invalid"];
                };
            };
            /** @description Refused */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    get_api_v1_seed_peers_id: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SeedPeer"];
                };
            };
            /** @description What was sent is wrong */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Invalid"];
                };
            };
            /** @description Refused */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    delete_api_v1_seed_peers_id: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description What was sent is wrong */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Invalid"];
                };
            };
            /** @description Refused */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    patch_api_v1_seed_peers_id: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": {
                    type?: ("" | "super") | null;
                    ip?: ("" | (string)) | null;
                    port?: number | null;
                    download_port?: number | null;
                    object_storage_port?: number | null;
                    seed_peer_cluster_id?: number | null;
                    idc?: string | null;
                    location?: string | null;
                };
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SeedPeer"];
                };
            };
            /** @description What was sent is wrong */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Invalid"];
                };
            };
            /** @description Refused */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    get_api_v1_peers: {
        parameters: {
            query?: {
                host_name?: string;
                type?: string;
                ip?: string;
                port?: string;
                download_port?: string;
                proxy_port?: string;
                object_storage_port?: string;
                scheduler_cluster_id?: string;
                idc?: string;
                location?: string;
                state?: "active" | "inactive";
                os?: string;
                platform?: string;
                platform_family?: string;
                platform_version?: string;
                kernel_version?: string;
                git_version?: string;
                git_commit?: string;
                build_platform?: string;
                page?: number;
                per_page?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page */
            200: {
                headers: {
                    /** @description The pages prev, next, first and last */
                    Link?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Peer"][];
                };
            };
            /** @description What was sent is wrong */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Invalid"];
                };
            };
            /** @description Refused */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    post_api_v1_peers: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": {
                    host_name: string;
                    /** @enum {string} */
                    type: "super" | "normal";
                    ip: string;
                    port: number;
                    download_port: number;
                    proxy_port: number;
                    object_storage_port?: number | null;
                    scheduler_cluster_id: number;
                    idc?: string | null;
                    location?: string | null;
                    state?: ("active" | "inactive") | null;
                    os?: string | null;
                    platform?: string | null;
                    platform_family?: string | null;
                    platform_version?: string | null;
                    kernel_version?: string | null;
                    git_version?: string | null;
                    git_commit?: string | null;
                    build_platform?: string | null;
                };
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Peer"];
                };
            };
            /** @description What was sent is wrong */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Invalid"];
                };
            };
            /** @description Refused */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    get_api_v1_peers_versions: {
        parameters: {
            query: {
                scheduler_cluster_id: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PeerVersion"][];
                };
            };
            /** @description What was sent is wrong */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Invalid"];
                };
            };
            /** @description Refused */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    get_api_v1_peers_id: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Peer"];
                };
            };
            /** @description What was sent is wrong */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Invalid"];
                };
            };
            /** @description Refused */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    delete_api_v1_peers_id: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description What was sent is wrong */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Invalid"];
                };
            };
            /** @description Refused */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    get_api_v1_applications: {
        parameters: {
            query?: {
                name?: string;
                user_id?: string;
                page?: number;
                per_page?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page */
            200: {
                headers: {
                    /** @description The pages prev, next, first and last */
                    Link?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Application"][];
                };
            };
            /** @description What was sent is wrong */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Invalid"];
                };
            };
            /** @description Refused */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    post_api_v1_applications: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": {
                    name: string;
                    url: string;
                    bio?: string | null;
                    priority: {
                        value: number;
                        urls?: {
                            regex: string;
                            value: number;
                        }[] | null;
                    };
                    user_id: number;
                };
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Application"];
                };
            };
            /** @description What was sent is wrong */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Invalid"];
                };
            };
            /** @description Refused */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    get_api_v1_applications_id: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Application"];
                };
            };
            /** @description What was sent is wrong */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Invalid"];
                };
            };
            /** @description Refused */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    delete_api_v1_applications_id: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description What was sent is wrong */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Invalid"];
                };
            };
            /** @description Refused */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    patch_api_v1_applications_id: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": {
                    name?: string | null;
                    url?: string | null;
                    bio?: string | null;
                    priority?: {
                        value: number;
                        urls?: {
                            regex: string;
                            value: number;
                        }[] | null;
                    } | null;
                    user_id: number;
                };
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Application"];
                };
            };
            /** @description What was sent is wrong */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Invalid"];
                };
            };
            /** @description Refused */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    get_api_v1_configs: {
        parameters: {
            query?: {
                name?: string;
                value?: string;
                user_id?: string;
                page?: number;
                per_page?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page */
            200: {
                headers: {
                    /** @description The pages prev, next, first and last */
                    Link?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Config"][];
                };
            };
            /** @description What was sent is wrong */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Invalid"];
                };
            };
            /** @description Refused */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    post_api_v1_configs: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": {
                    name: string;
                    value: string;
                    bio?: string | null;
                    user_id: number;
                };
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Config"];
                };
            };
            /** @description What was sent is wrong */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Invalid"];
                };
            };
            /** @description Refused */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    get_api_v1_configs_id: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Config"];
                };
            };
            /** @description What was sent is wrong */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Invalid"];
                };
            };
            /** @description Refused */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    delete_api_v1_configs_id: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description What was sent is wrong */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Invalid"];
                };
            };
            /** @description Refused */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    patch_api_v1_configs_id: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": {
                    name?: string | null;
                    value?: string | null;
                    bio?: string | null;
                    user_id?: number | null;
                };
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Config"];
                };
            };
            /** @description What was sent is wrong */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Invalid"];
                };
            };
            /** @description Refused */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    get_api_v1_jobs: {
        parameters: {
            query?: {
                type?: string;
                state?: "PENDING" | "RECEIVED" | "STARTED" | "RETRY" | "SUCCESS" | "FAILURE";
                user_id?: string;
                page?: number;
                per_page?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page */
            200: {
                headers: {
                    /** @description The pages prev, next, first and last */
                    Link?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Job"][];
                };
            };
            /** @description What was sent is wrong */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Invalid"];
                };
            };
            /** @description Refused */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    post_api_v1_jobs: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": {
                    type: string;
                    bio?: string | null;
                    user_id?: number | null;
                    args?: {
                        [key: string]: unknown;
                    } | null;
                    scheduler_cluster_ids?: number[] | null;
                    seed_peer_cluster_ids?: number[] | null;
                };
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Job"] | unknown;
                };
            };
            /** @description What was sent is wrong */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Invalid"];
                };
            };
            /** @description Refused */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    get_api_v1_jobs_id: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Job"];
                };
            };
            /** @description What was sent is wrong */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Invalid"];
                };
            };
            /** @description Refused */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    delete_api_v1_jobs_id: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description What was sent is wrong */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Invalid"];
                };
            };
            /** @description Refused */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    patch_api_v1_jobs_id: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": {
                    bio?: string | null;
                    user_id?: number | null;
                };
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Job"];
                };
            };
            /** @description What was sent is wrong */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Invalid"];
                };
            };
            /** @description Refused */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    post_api_v1_jobs_id_cancel: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Job"];
                };
            };
            /** @description What was sent is wrong */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Invalid"];
                };
            };
            /** @description Refused */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    post_api_v1_jobs_id_retry: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Job"];
                };
            };
            /** @description What was sent is wrong */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Invalid"];
                };
            };
            /** @description Refused */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    get_api_v1_warm_images: {
        parameters: {
            query?: {
                name?: string;
                user_id?: string;
                page?: number;
                per_page?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page */
            200: {
                headers: {
                    /** @description The pages prev, next, first and last */
                    Link?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WarmImage"][];
                };
            };
            /** @description What was sent is wrong */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Invalid"];
                };
            };
            /** @description Refused */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    post_api_v1_warm_images: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": {
                    name: string;
                    args: {
                        [key: string]: unknown;
                    };
                    bio?: string | null;
                    scheduler_cluster_ids?: number[] | null;
                    /** @description Minute, hour, day of month, month and day of week; empty for never. */
                    cron?: string | null;
                    /** @description In which cron is read: UTC, or a name such as Europe/Berlin. */
                    time_zone?: string | null;
                    /** @description How often the tag is asked for a new digest, in nanoseconds; 0 for never. */
                    follow?: number | null;
                    /** @description Whether hosts that join a cluster, and those that are there, are brought to it. */
                    on_join?: boolean | null;
                    paused?: boolean | null;
                };
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WarmImage"];
                };
            };
            /** @description What was sent is wrong */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Invalid"];
                };
            };
            /** @description Refused */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    get_api_v1_warm_images_id: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WarmImage"];
                };
            };
            /** @description What was sent is wrong */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Invalid"];
                };
            };
            /** @description Refused */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    delete_api_v1_warm_images_id: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description What was sent is wrong */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Invalid"];
                };
            };
            /** @description Refused */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    patch_api_v1_warm_images_id: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": {
                    name?: string | null;
                    args?: {
                        [key: string]: unknown;
                    } | null;
                    bio?: string | null;
                    scheduler_cluster_ids?: number[] | null;
                    /** @description Minute, hour, day of month, month and day of week; empty for never. */
                    cron?: string | null;
                    /** @description In which cron is read: UTC, or a name such as Europe/Berlin. */
                    time_zone?: string | null;
                    /** @description How often the tag is asked for a new digest, in nanoseconds; 0 for never. */
                    follow?: number | null;
                    /** @description Whether hosts that join a cluster, and those that are there, are brought to it. */
                    on_join?: boolean | null;
                    paused?: boolean | null;
                };
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WarmImage"];
                };
            };
            /** @description What was sent is wrong */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Invalid"];
                };
            };
            /** @description Refused */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    post_api_v1_warm_images_id_run: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WarmImage"];
                };
            };
            /** @description What was sent is wrong */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Invalid"];
                };
            };
            /** @description Refused */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    get_api_v1_personal_access_tokens: {
        parameters: {
            query?: {
                state?: "active" | "inactive";
                user_id?: string;
                page?: number;
                per_page?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page */
            200: {
                headers: {
                    /** @description The pages prev, next, first and last */
                    Link?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PersonalAccessToken"][];
                };
            };
            /** @description What was sent is wrong */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Invalid"];
                };
            };
            /** @description Refused */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    post_api_v1_personal_access_tokens: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": {
                    name: string;
                    /** Format: date-time */
                    expired_at: string;
                    user_id: number;
                    bio?: string | null;
                    scopes?: ("job" | "cluster")[] | null;
                };
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PersonalAccessToken"];
                };
            };
            /** @description What was sent is wrong */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Invalid"];
                };
            };
            /** @description Refused */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    get_api_v1_personal_access_tokens_id: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PersonalAccessToken"];
                };
            };
            /** @description What was sent is wrong */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Invalid"];
                };
            };
            /** @description Refused */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    delete_api_v1_personal_access_tokens_id: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description What was sent is wrong */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Invalid"];
                };
            };
            /** @description Refused */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    patch_api_v1_personal_access_tokens_id: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": {
                    bio?: string | null;
                    scopes?: ("job" | "cluster")[] | null;
                    state?: ("active" | "inactive") | null;
                    expired_at?: string | null;
                    user_id?: number | null;
                };
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PersonalAccessToken"];
                };
            };
            /** @description What was sent is wrong */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Invalid"];
                };
            };
            /** @description Refused */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    get_api_v1_persistent_cache_tasks: {
        parameters: {
            query: {
                scheduler_cluster_id: string;
                application?: string;
                tag?: string;
                state?: "Uploading" | "Succeeded" | "Failed";
                page?: number;
                per_page?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page */
            200: {
                headers: {
                    /** @description The pages prev, next, first and last */
                    Link?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PersistentCacheTask"][];
                };
            };
            /** @description What was sent is wrong */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Invalid"];
                };
            };
            /** @description Refused */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    get_api_v1_persistent_cache_tasks_shares: {
        parameters: {
            query: {
                scheduler_cluster_id: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PersistentCacheShare"][];
                };
            };
            /** @description What was sent is wrong */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Invalid"];
                };
            };
            /** @description Refused */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    get_api_v1_persistent_cache_tasks_id: {
        parameters: {
            query: {
                scheduler_cluster_id: string;
            };
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PersistentCacheTaskWithPeers"];
                };
            };
            /** @description What was sent is wrong */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Invalid"];
                };
            };
            /** @description Refused */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    delete_api_v1_persistent_cache_tasks_id: {
        parameters: {
            query: {
                scheduler_cluster_id: string;
            };
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description What was sent is wrong */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Invalid"];
                };
            };
            /** @description Refused */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    get_api_v1_audits: {
        parameters: {
            query?: {
                actor_type?: "UNKNOWN" | "USER" | "PAT";
                actor_name?: string;
                event_type?: string;
                operation?: string;
                state?: "SUCCESS" | "FAILURE";
                path?: string;
                status_code?: string;
                page?: number;
                per_page?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page */
            200: {
                headers: {
                    /** @description The pages prev, next, first and last */
                    Link?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Audit"][];
                };
            };
            /** @description What was sent is wrong */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Invalid"];
                };
            };
            /** @description Refused */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
}
