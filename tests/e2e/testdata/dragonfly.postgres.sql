CREATE TABLE public.application (
    id bigint NOT NULL,
    created_at timestamp with time zone,
    updated_at timestamp with time zone,
    is_del bigint,
    name character varying(256) NOT NULL,
    url text NOT NULL,
    bio character varying(1024),
    priority text NOT NULL,
    user_id bigint
);
CREATE SEQUENCE public.application_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.application_id_seq OWNED BY public.application.id;
CREATE TABLE public.audit (
    id bigint NOT NULL,
    created_at timestamp with time zone,
    updated_at timestamp with time zone,
    is_del bigint,
    actor_type character varying(256) NOT NULL,
    actor_name character varying(256) NOT NULL,
    event_type character varying(100) NOT NULL,
    operation character varying(256) NOT NULL,
    operated_at timestamp without time zone DEFAULT CURRENT_TIMESTAMP,
    state character varying(100) NOT NULL,
    path character varying(1024),
    status_code bigint,
    detail text
);
CREATE SEQUENCE public.audit_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.audit_id_seq OWNED BY public.audit.id;
CREATE TABLE public.casbin_rule (
    id bigint NOT NULL,
    ptype character varying(100) DEFAULT NULL::character varying,
    v0 character varying(100) DEFAULT NULL::character varying,
    v1 character varying(100) DEFAULT NULL::character varying,
    v2 character varying(100) DEFAULT NULL::character varying,
    v3 character varying(100) DEFAULT NULL::character varying,
    v4 character varying(100) DEFAULT NULL::character varying,
    v5 character varying(100) DEFAULT NULL::character varying
);
CREATE SEQUENCE public.casbin_rule_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.casbin_rule_id_seq OWNED BY public.casbin_rule.id;
CREATE TABLE public.config (
    id bigint NOT NULL,
    created_at timestamp with time zone,
    updated_at timestamp with time zone,
    is_del bigint,
    name character varying(256) NOT NULL,
    value character varying(1024) NOT NULL,
    bio character varying(1024),
    user_id bigint
);
CREATE SEQUENCE public.config_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.config_id_seq OWNED BY public.config.id;
CREATE TABLE public.job (
    id bigint NOT NULL,
    created_at timestamp with time zone,
    updated_at timestamp with time zone,
    is_del bigint,
    task_id character varying(256) NOT NULL,
    bio character varying(1024),
    type character varying(256),
    state character varying(256) DEFAULT 'PENDING'::character varying NOT NULL,
    args text NOT NULL,
    task_result text,
    user_id bigint
);
CREATE SEQUENCE public.job_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.job_id_seq OWNED BY public.job.id;
CREATE TABLE public.job_scheduler_cluster (
    scheduler_cluster_id bigint NOT NULL,
    job_id bigint NOT NULL
);
CREATE TABLE public.job_seed_peer_cluster (
    seed_peer_cluster_id bigint NOT NULL,
    job_id bigint NOT NULL
);
CREATE TABLE public.oauth (
    id bigint NOT NULL,
    created_at timestamp with time zone,
    updated_at timestamp with time zone,
    is_del bigint,
    name character varying(256) NOT NULL,
    bio character varying(1024),
    client_id character varying(256) NOT NULL,
    client_secret character varying(1024) NOT NULL,
    redirect_url character varying(1024)
);
CREATE SEQUENCE public.oauth_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.oauth_id_seq OWNED BY public.oauth.id;
CREATE TABLE public.peer (
    id bigint NOT NULL,
    created_at timestamp with time zone,
    updated_at timestamp with time zone,
    is_del bigint,
    host_name character varying(256) NOT NULL,
    type character varying(256),
    idc character varying(1024),
    location character varying(1024),
    ip character varying(256) NOT NULL,
    port integer NOT NULL,
    download_port integer NOT NULL,
    proxy_port integer NOT NULL,
    object_storage_port integer,
    state character varying(256) DEFAULT 'inactive'::character varying,
    os character varying(256),
    platform character varying(256),
    platform_family character varying(256),
    platform_version character varying(256),
    kernel_version character varying(256),
    git_version character varying(256),
    git_commit character varying(256),
    build_platform character varying(256),
    scheduler_cluster_id bigint NOT NULL
);
CREATE SEQUENCE public.peer_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.peer_id_seq OWNED BY public.peer.id;
CREATE TABLE public.personal_access_token (
    id bigint NOT NULL,
    created_at timestamp with time zone,
    updated_at timestamp with time zone,
    is_del bigint,
    name character varying(256) NOT NULL,
    bio character varying(1024),
    token character varying(256) NOT NULL,
    scopes text NOT NULL,
    state character varying(256) DEFAULT 'inactive'::character varying,
    expired_at timestamp without time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
    user_id bigint
);
CREATE SEQUENCE public.personal_access_token_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.personal_access_token_id_seq OWNED BY public.personal_access_token.id;
CREATE TABLE public.scheduler (
    id bigint NOT NULL,
    created_at timestamp with time zone,
    updated_at timestamp with time zone,
    is_del bigint,
    config text,
    host_name character varying(256) NOT NULL,
    idc character varying(1024),
    location character varying(1024),
    ip character varying(256) NOT NULL,
    port integer NOT NULL,
    state character varying(256) DEFAULT 'inactive'::character varying,
    features text,
    last_keep_alive_at timestamp with time zone,
    scheduler_cluster_id bigint NOT NULL
);
CREATE TABLE public.scheduler_cluster (
    id bigint NOT NULL,
    created_at timestamp with time zone,
    updated_at timestamp with time zone,
    is_del bigint,
    name character varying(256) NOT NULL,
    bio character varying(1024),
    config text NOT NULL,
    client_config text NOT NULL,
    seed_client_config text NOT NULL,
    scopes text,
    is_default boolean DEFAULT false NOT NULL
);
CREATE SEQUENCE public.scheduler_cluster_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.scheduler_cluster_id_seq OWNED BY public.scheduler_cluster.id;
CREATE SEQUENCE public.scheduler_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.scheduler_id_seq OWNED BY public.scheduler.id;
CREATE TABLE public.seed_peer (
    id bigint NOT NULL,
    created_at timestamp with time zone,
    updated_at timestamp with time zone,
    is_del bigint,
    host_name character varying(256) NOT NULL,
    type character varying(256),
    idc character varying(1024),
    location character varying(1024),
    ip character varying(256) NOT NULL,
    port integer NOT NULL,
    download_port integer NOT NULL,
    object_storage_port integer,
    state character varying(256) DEFAULT 'inactive'::character varying,
    seed_peer_cluster_id bigint NOT NULL
);
CREATE TABLE public.seed_peer_cluster (
    id bigint NOT NULL,
    created_at timestamp with time zone,
    updated_at timestamp with time zone,
    is_del bigint,
    name character varying(256) NOT NULL,
    bio character varying(1024),
    config text NOT NULL
);
CREATE SEQUENCE public.seed_peer_cluster_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.seed_peer_cluster_id_seq OWNED BY public.seed_peer_cluster.id;
CREATE TABLE public.seed_peer_cluster_scheduler_cluster (
    scheduler_cluster_id bigint NOT NULL,
    seed_peer_cluster_id bigint NOT NULL
);
CREATE SEQUENCE public.seed_peer_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.seed_peer_id_seq OWNED BY public.seed_peer.id;
CREATE TABLE public."user" (
    id bigint NOT NULL,
    created_at timestamp with time zone,
    updated_at timestamp with time zone,
    is_del bigint,
    email character varying(256) NOT NULL,
    name character varying(256) NOT NULL,
    encrypted_password character varying(1024),
    avatar character varying(256),
    phone character varying(256),
    private_token character varying(256),
    state character varying(256) DEFAULT 'enable'::character varying,
    location character varying(256),
    bio character varying(256)
);
CREATE SEQUENCE public.user_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.user_id_seq OWNED BY public."user".id;
ALTER TABLE ONLY public.application ALTER COLUMN id SET DEFAULT nextval('public.application_id_seq'::regclass);
ALTER TABLE ONLY public.audit ALTER COLUMN id SET DEFAULT nextval('public.audit_id_seq'::regclass);
ALTER TABLE ONLY public.casbin_rule ALTER COLUMN id SET DEFAULT nextval('public.casbin_rule_id_seq'::regclass);
ALTER TABLE ONLY public.config ALTER COLUMN id SET DEFAULT nextval('public.config_id_seq'::regclass);
ALTER TABLE ONLY public.job ALTER COLUMN id SET DEFAULT nextval('public.job_id_seq'::regclass);
ALTER TABLE ONLY public.oauth ALTER COLUMN id SET DEFAULT nextval('public.oauth_id_seq'::regclass);
ALTER TABLE ONLY public.peer ALTER COLUMN id SET DEFAULT nextval('public.peer_id_seq'::regclass);
ALTER TABLE ONLY public.personal_access_token ALTER COLUMN id SET DEFAULT nextval('public.personal_access_token_id_seq'::regclass);
ALTER TABLE ONLY public.scheduler ALTER COLUMN id SET DEFAULT nextval('public.scheduler_id_seq'::regclass);
ALTER TABLE ONLY public.scheduler_cluster ALTER COLUMN id SET DEFAULT nextval('public.scheduler_cluster_id_seq'::regclass);
ALTER TABLE ONLY public.seed_peer ALTER COLUMN id SET DEFAULT nextval('public.seed_peer_id_seq'::regclass);
ALTER TABLE ONLY public.seed_peer_cluster ALTER COLUMN id SET DEFAULT nextval('public.seed_peer_cluster_id_seq'::regclass);
ALTER TABLE ONLY public."user" ALTER COLUMN id SET DEFAULT nextval('public.user_id_seq'::regclass);
INSERT INTO public.application VALUES (1, '2026-11-21 11:57:32.564674+00', '2026-11-21 11:57:32.564674+00', 0, 'app', 'http://a', '', '{"urls":[{"regex":"^a","value":4}],"value":3}', 1);
INSERT INTO public.casbin_rule VALUES (1, 'p', 'root', 'scheduler-clusters', '*', '', '', '');
INSERT INTO public.casbin_rule VALUES (2, 'p', 'guest', 'scheduler-clusters', 'read', '', '', '');
INSERT INTO public.casbin_rule VALUES (3, 'p', 'root', 'scheduler-features', '*', '', '', '');
INSERT INTO public.casbin_rule VALUES (4, 'p', 'guest', 'scheduler-features', 'read', '', '', '');
INSERT INTO public.casbin_rule VALUES (5, 'p', 'root', 'schedulers', '*', '', '', '');
INSERT INTO public.casbin_rule VALUES (6, 'p', 'guest', 'schedulers', 'read', '', '', '');
INSERT INTO public.casbin_rule VALUES (7, 'p', 'root', 'seed-peer-clusters', '*', '', '', '');
INSERT INTO public.casbin_rule VALUES (8, 'p', 'guest', 'seed-peer-clusters', 'read', '', '', '');
INSERT INTO public.casbin_rule VALUES (9, 'p', 'root', 'seed-peers', '*', '', '', '');
INSERT INTO public.casbin_rule VALUES (10, 'p', 'guest', 'seed-peers', 'read', '', '', '');
INSERT INTO public.casbin_rule VALUES (11, 'p', 'root', 'personal-access-tokens', '*', '', '', '');
INSERT INTO public.casbin_rule VALUES (12, 'p', 'guest', 'personal-access-tokens', 'read', '', '', '');
INSERT INTO public.casbin_rule VALUES (13, 'p', 'root', 'persistent-cache-tasks', '*', '', '', '');
INSERT INTO public.casbin_rule VALUES (14, 'p', 'guest', 'persistent-cache-tasks', 'read', '', '', '');
INSERT INTO public.casbin_rule VALUES (15, 'p', 'root', 'permissions', '*', '', '', '');
INSERT INTO public.casbin_rule VALUES (16, 'p', 'guest', 'permissions', 'read', '', '', '');
INSERT INTO public.casbin_rule VALUES (17, 'p', 'root', 'peers', '*', '', '', '');
INSERT INTO public.casbin_rule VALUES (18, 'p', 'guest', 'peers', 'read', '', '', '');
INSERT INTO public.casbin_rule VALUES (19, 'p', 'root', 'users', '*', '', '', '');
INSERT INTO public.casbin_rule VALUES (20, 'p', 'guest', 'users', 'read', '', '', '');
INSERT INTO public.casbin_rule VALUES (21, 'p', 'root', 'clusters', '*', '', '', '');
INSERT INTO public.casbin_rule VALUES (22, 'p', 'guest', 'clusters', 'read', '', '', '');
INSERT INTO public.casbin_rule VALUES (23, 'p', 'root', 'configs', '*', '', '', '');
INSERT INTO public.casbin_rule VALUES (24, 'p', 'guest', 'configs', 'read', '', '', '');
INSERT INTO public.casbin_rule VALUES (25, 'p', 'root', 'applications', '*', '', '', '');
INSERT INTO public.casbin_rule VALUES (26, 'p', 'guest', 'applications', 'read', '', '', '');
INSERT INTO public.casbin_rule VALUES (27, 'p', 'root', 'audits', '*', '', '', '');
INSERT INTO public.casbin_rule VALUES (28, 'p', 'guest', 'audits', 'read', '', '', '');
INSERT INTO public.casbin_rule VALUES (29, 'p', 'root', 'roles', '*', '', '', '');
INSERT INTO public.casbin_rule VALUES (30, 'p', 'guest', 'roles', 'read', '', '', '');
INSERT INTO public.casbin_rule VALUES (31, 'p', 'root', 'oauth', '*', '', '', '');
INSERT INTO public.casbin_rule VALUES (32, 'p', 'guest', 'oauth', 'read', '', '', '');
INSERT INTO public.casbin_rule VALUES (33, 'p', 'root', 'jobs', '*', '', '', '');
INSERT INTO public.casbin_rule VALUES (34, 'p', 'guest', 'jobs', 'read', '', '', '');
INSERT INTO public.casbin_rule VALUES (35, 'g', '1', 'root', '', '', '', '');
INSERT INTO public.casbin_rule VALUES (36, 'g', '2', 'guest', '', '', '', '');
INSERT INTO public.config VALUES (1, '2026-11-21 11:50:09.95395+00', '2026-11-21 11:50:09.95395+00', 0, 'gc', '{"audit":{"ttl":604800000000000},"job":{"ttl":21600000000000}}', '', 0);
INSERT INTO public.job VALUES (1, '2026-11-21 11:57:32.797483+00', '2026-11-21 11:57:32.8007+00', 0, '81e2bfdc-c4a0-4803-b31f-a953df74589a', '', 'gc', 'SUCCESS', '{"batch_size":5000,"ttl":604800000000000,"type":"audit"}', '{"purged":0}', 1);
INSERT INTO public.oauth VALUES (1, '2026-11-21 11:57:32.771129+00', '2026-11-21 11:57:32.771129+00', 0, 'github', '', 'cid', 'cs', '');
INSERT INTO public.peer VALUES (1, '2026-11-21 11:57:32.719598+00', '2026-11-21 11:57:32.719598+00', 0, 'p', 'normal', '', '', '1.2.3.5', 4000, 4001, 4002, 0, 'inactive', '', '', '', '', '', '', '', '', 2);
INSERT INTO public.personal_access_token VALUES (1, '2026-11-21 11:57:32.506647+00', '2026-11-21 11:57:32.506647+00', 0, 'tok', 'b', 'MjkxN2Y2MDAtY2IxMy00N2RhLTg3YTktMTdiMmU3ZjUwMmRk', '["job","cluster"]', 'active', '2036-01-02 03:04:05.678', 1);
INSERT INTO public.scheduler VALUES (1, '2026-11-21 11:57:32.544689+00', '2026-11-21 11:57:32.544689+00', 0, '{}', 'h', '', '', '1.2.3.4', 8002, 'inactive', '["schedule","preheat"]', '0001-01-01 00:00:00+00', 2);
INSERT INTO public.scheduler_cluster VALUES (1, '2026-11-21 11:50:09.946314+00', '2026-11-21 11:50:09.946314+00', 0, 'cluster-1', '', '{"candidate_parent_limit":3,"filter_parent_limit":15,"job_rate_limit":10}', '{"load_limit":200}', '{}', '{}', true);
INSERT INTO public.scheduler_cluster VALUES (2, '2026-11-21 11:57:32.462486+00', '2026-11-21 11:57:32.462486+00', 0, 'c2', '', '{"candidate_parent_limit":4,"filter_parent_limit":0,"job_rate_limit":0}', '{"block_list":{"persistent_cache_task":null,"persistent_task":null,"task":null},"load_limit":5}', '{"block_list":{"persistent_cache_task":null,"persistent_task":null,"task":{"download":{"applications":null,"priorities":null,"tags":["t"],"urls":["a"]}}},"load_limit":77}', '{"cidrs":null,"hostnames":null,"idc":"x","location":""}', false);
INSERT INTO public.seed_peer VALUES (1, '2026-11-21 11:57:32.761128+00', '2026-11-21 11:57:32.761128+00', 0, 'sp', 'super', '', '', '1.2.3.6', 4000, 4001, 0, 'inactive', 2);
INSERT INTO public.seed_peer_cluster VALUES (1, '2026-11-21 11:50:09.948463+00', '2026-11-21 11:50:09.950659+00', 0, 'cluster-1', '', '{"load_limit":2000}');
INSERT INTO public.seed_peer_cluster VALUES (2, '2026-11-21 11:57:32.488701+00', '2026-11-21 11:57:32.489147+00', 0, 'c2', '', '{"block_list":{"persistent_cache_task":null,"persistent_task":null,"task":{"download":{"applications":null,"priorities":null,"tags":["t"],"urls":["a"]}}},"load_limit":77}');
INSERT INTO public.seed_peer_cluster_scheduler_cluster VALUES (1, 1);
INSERT INTO public.seed_peer_cluster_scheduler_cluster VALUES (2, 2);
INSERT INTO public."user" VALUES (1, '2026-11-21 11:50:09.987136+00', '2026-11-21 11:50:09.987136+00', 0, '', 'root', '$2a$04$MBmL2rtjMB5itUBTlTp/YO0hDfMEYr6PYzvhuy/y3Xt0MYmwMcQH.', '', '', '', 'enable', '', '');
INSERT INTO public."user" VALUES (2, '2026-11-21 11:57:32.784427+00', '2026-11-21 11:57:32.784427+00', 0, 'g@example.com', 'guest1', '$2a$04$2GDEqm47lR1uq1QW88baA.BzUSBXerLd/vKyoihCA3ECzmgsE0/O.', '', '', '', 'enable', '', '');
SELECT pg_catalog.setval('public.application_id_seq', 1, true);
SELECT pg_catalog.setval('public.audit_id_seq', 9, true);
SELECT pg_catalog.setval('public.casbin_rule_id_seq', 36, true);
SELECT pg_catalog.setval('public.config_id_seq', 1, true);
SELECT pg_catalog.setval('public.job_id_seq', 1, true);
SELECT pg_catalog.setval('public.oauth_id_seq', 1, true);
SELECT pg_catalog.setval('public.peer_id_seq', 1, true);
SELECT pg_catalog.setval('public.personal_access_token_id_seq', 1, true);
SELECT pg_catalog.setval('public.scheduler_cluster_id_seq', 2, true);
SELECT pg_catalog.setval('public.scheduler_id_seq', 1, true);
SELECT pg_catalog.setval('public.seed_peer_cluster_id_seq', 2, true);
SELECT pg_catalog.setval('public.seed_peer_id_seq', 1, true);
SELECT pg_catalog.setval('public.user_id_seq', 2, true);
ALTER TABLE ONLY public.application
    ADD CONSTRAINT application_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.audit
    ADD CONSTRAINT audit_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.casbin_rule
    ADD CONSTRAINT casbin_rule_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.config
    ADD CONSTRAINT config_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.job
    ADD CONSTRAINT job_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.job_scheduler_cluster
    ADD CONSTRAINT job_scheduler_cluster_pkey PRIMARY KEY (scheduler_cluster_id, job_id);
ALTER TABLE ONLY public.job_seed_peer_cluster
    ADD CONSTRAINT job_seed_peer_cluster_pkey PRIMARY KEY (seed_peer_cluster_id, job_id);
ALTER TABLE ONLY public.oauth
    ADD CONSTRAINT oauth_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.peer
    ADD CONSTRAINT peer_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.personal_access_token
    ADD CONSTRAINT personal_access_token_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.scheduler_cluster
    ADD CONSTRAINT scheduler_cluster_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.scheduler
    ADD CONSTRAINT scheduler_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.seed_peer_cluster
    ADD CONSTRAINT seed_peer_cluster_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.seed_peer_cluster_scheduler_cluster
    ADD CONSTRAINT seed_peer_cluster_scheduler_cluster_pkey PRIMARY KEY (scheduler_cluster_id, seed_peer_cluster_id);
ALTER TABLE ONLY public.seed_peer
    ADD CONSTRAINT seed_peer_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public."user"
    ADD CONSTRAINT user_pkey PRIMARY KEY (id);
CREATE INDEX idx_peer_git_commit ON public.peer USING btree (git_commit);
CREATE INDEX idx_peer_git_version ON public.peer USING btree (git_version);
CREATE INDEX idx_peer_type ON public.peer USING btree (type);
CREATE UNIQUE INDEX uk_application_name ON public.application USING btree (name);
CREATE UNIQUE INDEX uk_config_name ON public.config USING btree (name);
CREATE UNIQUE INDEX uk_oauth2_client_id ON public.oauth USING btree (client_id);
CREATE UNIQUE INDEX uk_oauth2_name ON public.oauth USING btree (name);
CREATE UNIQUE INDEX uk_peer ON public.peer USING btree (host_name, ip, scheduler_cluster_id);
CREATE UNIQUE INDEX uk_personal_access_token ON public.personal_access_token USING btree (token);
CREATE UNIQUE INDEX uk_personal_access_token_name ON public.personal_access_token USING btree (name);
CREATE UNIQUE INDEX uk_scheduler ON public.scheduler USING btree (host_name, ip, scheduler_cluster_id);
CREATE UNIQUE INDEX uk_scheduler_cluster_name ON public.scheduler_cluster USING btree (name);
CREATE UNIQUE INDEX uk_seed_peer ON public.seed_peer USING btree (host_name, ip, seed_peer_cluster_id);
CREATE UNIQUE INDEX uk_seed_peer_cluster_name ON public.seed_peer_cluster USING btree (name);
CREATE UNIQUE INDEX uk_user_email ON public."user" USING btree (email);
CREATE UNIQUE INDEX uk_user_name ON public."user" USING btree (name);
