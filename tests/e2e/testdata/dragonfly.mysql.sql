/*M!999999\- enable the sandbox mode */ 
CREATE TABLE `application` (
  `id` bigint(20) unsigned NOT NULL AUTO_INCREMENT,
  `created_at` datetime(3) DEFAULT NULL,
  `updated_at` datetime(3) DEFAULT NULL,
  `is_del` bigint(20) unsigned DEFAULT NULL,
  `name` varchar(256) NOT NULL,
  `url` longtext NOT NULL,
  `bio` varchar(1024) DEFAULT NULL,
  `priority` longtext NOT NULL,
  `user_id` bigint(20) unsigned DEFAULT NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `uk_application_name` (`name`)
) ENGINE=InnoDB DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci;
INSERT INTO `application` VALUES (1,'2026-11-21 11:56:50.357','2026-11-21 11:56:50.357',0,'app','http://a','','{\"urls\":[{\"regex\":\"^a\",\"value\":4}],\"value\":3}',1);
CREATE TABLE `audit` (
  `id` bigint(20) unsigned NOT NULL AUTO_INCREMENT,
  `created_at` datetime(3) DEFAULT NULL,
  `updated_at` datetime(3) DEFAULT NULL,
  `is_del` bigint(20) unsigned DEFAULT NULL,
  `actor_type` varchar(256) NOT NULL,
  `actor_name` varchar(256) NOT NULL,
  `event_type` varchar(100) NOT NULL,
  `operation` varchar(256) NOT NULL,
  `operated_at` timestamp NULL DEFAULT current_timestamp(),
  `state` varchar(100) NOT NULL,
  `path` varchar(1024) DEFAULT NULL,
  `status_code` bigint(20) DEFAULT NULL,
  `detail` longtext DEFAULT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci;
CREATE TABLE `casbin_rule` (
  `id` bigint(20) unsigned NOT NULL AUTO_INCREMENT,
  `ptype` varchar(100) DEFAULT NULL,
  `v0` varchar(100) DEFAULT NULL,
  `v1` varchar(100) DEFAULT NULL,
  `v2` varchar(100) DEFAULT NULL,
  `v3` varchar(100) DEFAULT NULL,
  `v4` varchar(100) DEFAULT NULL,
  `v5` varchar(100) DEFAULT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci;
INSERT INTO `casbin_rule` VALUES (1,'p','root','scheduler-clusters','*','','','');
INSERT INTO `casbin_rule` VALUES (2,'p','guest','scheduler-clusters','read','','','');
INSERT INTO `casbin_rule` VALUES (3,'p','root','scheduler-features','*','','','');
INSERT INTO `casbin_rule` VALUES (4,'p','guest','scheduler-features','read','','','');
INSERT INTO `casbin_rule` VALUES (5,'p','root','schedulers','*','','','');
INSERT INTO `casbin_rule` VALUES (6,'p','guest','schedulers','read','','','');
INSERT INTO `casbin_rule` VALUES (7,'p','root','seed-peer-clusters','*','','','');
INSERT INTO `casbin_rule` VALUES (8,'p','guest','seed-peer-clusters','read','','','');
INSERT INTO `casbin_rule` VALUES (9,'p','root','seed-peers','*','','','');
INSERT INTO `casbin_rule` VALUES (10,'p','guest','seed-peers','read','','','');
INSERT INTO `casbin_rule` VALUES (11,'p','root','personal-access-tokens','*','','','');
INSERT INTO `casbin_rule` VALUES (12,'p','guest','personal-access-tokens','read','','','');
INSERT INTO `casbin_rule` VALUES (13,'p','root','persistent-cache-tasks','*','','','');
INSERT INTO `casbin_rule` VALUES (14,'p','guest','persistent-cache-tasks','read','','','');
INSERT INTO `casbin_rule` VALUES (15,'p','root','permissions','*','','','');
INSERT INTO `casbin_rule` VALUES (16,'p','guest','permissions','read','','','');
INSERT INTO `casbin_rule` VALUES (17,'p','root','peers','*','','','');
INSERT INTO `casbin_rule` VALUES (18,'p','guest','peers','read','','','');
INSERT INTO `casbin_rule` VALUES (19,'p','root','users','*','','','');
INSERT INTO `casbin_rule` VALUES (20,'p','guest','users','read','','','');
INSERT INTO `casbin_rule` VALUES (21,'p','root','clusters','*','','','');
INSERT INTO `casbin_rule` VALUES (22,'p','guest','clusters','read','','','');
INSERT INTO `casbin_rule` VALUES (23,'p','root','configs','*','','','');
INSERT INTO `casbin_rule` VALUES (24,'p','guest','configs','read','','','');
INSERT INTO `casbin_rule` VALUES (25,'p','root','applications','*','','','');
INSERT INTO `casbin_rule` VALUES (26,'p','guest','applications','read','','','');
INSERT INTO `casbin_rule` VALUES (27,'p','root','audits','*','','','');
INSERT INTO `casbin_rule` VALUES (28,'p','guest','audits','read','','','');
INSERT INTO `casbin_rule` VALUES (29,'p','root','roles','*','','','');
INSERT INTO `casbin_rule` VALUES (30,'p','guest','roles','read','','','');
INSERT INTO `casbin_rule` VALUES (31,'p','root','oauth','*','','','');
INSERT INTO `casbin_rule` VALUES (32,'p','guest','oauth','read','','','');
INSERT INTO `casbin_rule` VALUES (33,'p','root','jobs','*','','','');
INSERT INTO `casbin_rule` VALUES (34,'p','guest','jobs','read','','','');
INSERT INTO `casbin_rule` VALUES (35,'g','1','root','','','','');
INSERT INTO `casbin_rule` VALUES (36,'g','2','guest','','','','');
CREATE TABLE `config` (
  `id` bigint(20) unsigned NOT NULL AUTO_INCREMENT,
  `created_at` datetime(3) DEFAULT NULL,
  `updated_at` datetime(3) DEFAULT NULL,
  `is_del` bigint(20) unsigned DEFAULT NULL,
  `name` varchar(256) NOT NULL,
  `value` varchar(1024) NOT NULL,
  `bio` varchar(1024) DEFAULT NULL,
  `user_id` bigint(20) unsigned DEFAULT NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `uk_config_name` (`name`)
) ENGINE=InnoDB DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci;
INSERT INTO `config` VALUES (1,'2026-11-21 11:49:55.659','2026-11-21 11:49:55.659',0,'gc','{\"audit\":{\"ttl\":604800000000000},\"job\":{\"ttl\":21600000000000}}','',0);
CREATE TABLE `job` (
  `id` bigint(20) unsigned NOT NULL AUTO_INCREMENT,
  `created_at` datetime(3) DEFAULT NULL,
  `updated_at` datetime(3) DEFAULT NULL,
  `is_del` bigint(20) unsigned DEFAULT NULL,
  `task_id` varchar(256) NOT NULL,
  `bio` varchar(1024) DEFAULT NULL,
  `type` varchar(256) DEFAULT NULL,
  `state` varchar(256) NOT NULL DEFAULT 'PENDING',
  `args` longtext NOT NULL,
  `task_result` longtext DEFAULT NULL,
  `user_id` bigint(20) unsigned DEFAULT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci;
INSERT INTO `job` VALUES (1,'2026-11-21 11:57:27.024','2026-11-21 11:57:27.025',0,'45b26925-5c8a-4bd2-9d8f-c5df5f20a592','','gc','SUCCESS','{\"batch_size\":5000,\"ttl\":604800000000000,\"type\":\"audit\"}','{\"purged\":0}',1);
CREATE TABLE `job_scheduler_cluster` (
  `scheduler_cluster_id` bigint(20) unsigned NOT NULL,
  `job_id` bigint(20) unsigned NOT NULL,
  PRIMARY KEY (`scheduler_cluster_id`,`job_id`)
) ENGINE=InnoDB DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci;
CREATE TABLE `job_seed_peer_cluster` (
  `seed_peer_cluster_id` bigint(20) unsigned NOT NULL,
  `job_id` bigint(20) unsigned NOT NULL,
  PRIMARY KEY (`seed_peer_cluster_id`,`job_id`)
) ENGINE=InnoDB DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci;
CREATE TABLE `oauth` (
  `id` bigint(20) unsigned NOT NULL AUTO_INCREMENT,
  `created_at` datetime(3) DEFAULT NULL,
  `updated_at` datetime(3) DEFAULT NULL,
  `is_del` bigint(20) unsigned DEFAULT NULL,
  `name` varchar(256) NOT NULL,
  `bio` varchar(1024) DEFAULT NULL,
  `client_id` varchar(256) NOT NULL,
  `client_secret` varchar(1024) NOT NULL,
  `redirect_url` varchar(1024) DEFAULT NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `uk_oauth2_client_id` (`client_id`),
  UNIQUE KEY `uk_oauth2_name` (`name`)
) ENGINE=InnoDB DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci;
INSERT INTO `oauth` VALUES (1,'2026-11-21 11:56:50.389','2026-11-21 11:56:50.389',0,'github','','cid','cs','');
CREATE TABLE `peer` (
  `id` bigint(20) unsigned NOT NULL AUTO_INCREMENT,
  `created_at` datetime(3) DEFAULT NULL,
  `updated_at` datetime(3) DEFAULT NULL,
  `is_del` bigint(20) unsigned DEFAULT NULL,
  `host_name` varchar(256) NOT NULL,
  `type` varchar(256) DEFAULT NULL,
  `idc` varchar(1024) DEFAULT NULL,
  `location` varchar(1024) DEFAULT NULL,
  `ip` varchar(256) NOT NULL,
  `port` int(11) NOT NULL,
  `download_port` int(11) NOT NULL,
  `proxy_port` int(11) NOT NULL,
  `object_storage_port` int(11) DEFAULT NULL,
  `state` varchar(256) DEFAULT 'inactive',
  `os` varchar(256) DEFAULT NULL,
  `platform` varchar(256) DEFAULT NULL,
  `platform_family` varchar(256) DEFAULT NULL,
  `platform_version` varchar(256) DEFAULT NULL,
  `kernel_version` varchar(256) DEFAULT NULL,
  `git_version` varchar(256) DEFAULT NULL,
  `git_commit` varchar(256) DEFAULT NULL,
  `build_platform` varchar(256) DEFAULT NULL,
  `scheduler_cluster_id` bigint(20) unsigned NOT NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `uk_peer` (`host_name`,`ip`,`scheduler_cluster_id`),
  KEY `idx_peer_type` (`type`),
  KEY `idx_peer_git_version` (`git_version`),
  KEY `idx_peer_git_commit` (`git_commit`)
) ENGINE=InnoDB DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci;
INSERT INTO `peer` VALUES (1,'2026-11-21 11:56:50.367','2026-11-21 11:56:50.367',0,'p','normal','','','1.2.3.5',4000,4001,4002,0,'inactive','','','','','','','','',2);
CREATE TABLE `personal_access_token` (
  `id` bigint(20) unsigned NOT NULL AUTO_INCREMENT,
  `created_at` datetime(3) DEFAULT NULL,
  `updated_at` datetime(3) DEFAULT NULL,
  `is_del` bigint(20) unsigned DEFAULT NULL,
  `name` varchar(256) NOT NULL,
  `bio` varchar(1024) DEFAULT NULL,
  `token` varchar(256) NOT NULL,
  `scopes` longtext NOT NULL,
  `state` varchar(256) DEFAULT 'inactive',
  `expired_at` timestamp NOT NULL DEFAULT current_timestamp(),
  `user_id` bigint(20) unsigned DEFAULT NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `uk_personal_access_token` (`token`),
  UNIQUE KEY `uk_personal_access_token_name` (`name`)
) ENGINE=InnoDB DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci;
INSERT INTO `personal_access_token` VALUES (1,'2026-11-21 11:56:50.335','2026-11-21 11:56:50.335',0,'tok','b','NWJjNTFmY2ItMjRhNS00NTlkLWEyMDUtYjBjY2Y4MGQ3MGRi','[\"job\",\"cluster\"]','active','2036-01-02 03:04:05',1);
CREATE TABLE `scheduler` (
  `id` bigint(20) unsigned NOT NULL AUTO_INCREMENT,
  `created_at` datetime(3) DEFAULT NULL,
  `updated_at` datetime(3) DEFAULT NULL,
  `is_del` bigint(20) unsigned DEFAULT NULL,
  `config` longtext DEFAULT NULL,
  `host_name` varchar(256) NOT NULL,
  `idc` varchar(1024) DEFAULT NULL,
  `location` varchar(1024) DEFAULT NULL,
  `ip` varchar(256) NOT NULL,
  `port` int(11) NOT NULL,
  `state` varchar(256) DEFAULT 'inactive',
  `features` longtext DEFAULT NULL,
  `last_keep_alive_at` datetime(3) DEFAULT NULL,
  `scheduler_cluster_id` bigint(20) unsigned NOT NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `uk_scheduler` (`host_name`,`ip`,`scheduler_cluster_id`)
) ENGINE=InnoDB DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci;
INSERT INTO `scheduler` VALUES (1,'2026-11-21 11:56:50.346','2026-11-21 11:56:50.346',0,'{}','h','','','1.2.3.4',8002,'inactive','[\"schedule\",\"preheat\"]','0000-00-00 00:00:00.000',2);
CREATE TABLE `scheduler_cluster` (
  `id` bigint(20) unsigned NOT NULL AUTO_INCREMENT,
  `created_at` datetime(3) DEFAULT NULL,
  `updated_at` datetime(3) DEFAULT NULL,
  `is_del` bigint(20) unsigned DEFAULT NULL,
  `name` varchar(256) NOT NULL,
  `bio` varchar(1024) DEFAULT NULL,
  `config` longtext NOT NULL,
  `client_config` longtext NOT NULL,
  `seed_client_config` longtext NOT NULL,
  `scopes` longtext DEFAULT NULL,
  `is_default` tinyint(1) NOT NULL DEFAULT 0,
  PRIMARY KEY (`id`),
  UNIQUE KEY `uk_scheduler_cluster_name` (`name`)
) ENGINE=InnoDB DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci;
INSERT INTO `scheduler_cluster` VALUES (1,'2026-11-21 11:49:55.653','2026-11-21 11:49:55.653',0,'cluster-1','','{\"candidate_parent_limit\":3,\"filter_parent_limit\":15,\"job_rate_limit\":10}','{\"load_limit\":200}','{}','{}',1);
INSERT INTO `scheduler_cluster` VALUES (2,'2026-11-21 11:56:50.314','2026-11-21 11:56:50.314',0,'c2','','{\"candidate_parent_limit\":4,\"filter_parent_limit\":0,\"job_rate_limit\":0}','{\"block_list\":{\"persistent_cache_task\":null,\"persistent_task\":null,\"task\":null},\"load_limit\":5}','{\"block_list\":{\"persistent_cache_task\":null,\"persistent_task\":null,\"task\":{\"download\":{\"applications\":null,\"priorities\":null,\"tags\":[\"t\"],\"urls\":[\"a\"]}}},\"load_limit\":77}','{\"cidrs\":null,\"hostnames\":null,\"idc\":\"x\",\"location\":\"\"}',0);
CREATE TABLE `seed_peer` (
  `id` bigint(20) unsigned NOT NULL AUTO_INCREMENT,
  `created_at` datetime(3) DEFAULT NULL,
  `updated_at` datetime(3) DEFAULT NULL,
  `is_del` bigint(20) unsigned DEFAULT NULL,
  `host_name` varchar(256) NOT NULL,
  `type` varchar(256) DEFAULT NULL,
  `idc` varchar(1024) DEFAULT NULL,
  `location` varchar(1024) DEFAULT NULL,
  `ip` varchar(256) NOT NULL,
  `port` int(11) NOT NULL,
  `download_port` int(11) NOT NULL,
  `object_storage_port` int(11) DEFAULT NULL,
  `state` varchar(256) DEFAULT 'inactive',
  `seed_peer_cluster_id` bigint(20) unsigned NOT NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `uk_seed_peer` (`host_name`,`ip`,`seed_peer_cluster_id`)
) ENGINE=InnoDB DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci;
INSERT INTO `seed_peer` VALUES (1,'2026-11-21 11:56:50.377','2026-11-21 11:56:50.377',0,'sp','super','','','1.2.3.6',4000,4001,0,'inactive',2);
CREATE TABLE `seed_peer_cluster` (
  `id` bigint(20) unsigned NOT NULL AUTO_INCREMENT,
  `created_at` datetime(3) DEFAULT NULL,
  `updated_at` datetime(3) DEFAULT NULL,
  `is_del` bigint(20) unsigned DEFAULT NULL,
  `name` varchar(256) NOT NULL,
  `bio` varchar(1024) DEFAULT NULL,
  `config` longtext NOT NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `uk_seed_peer_cluster_name` (`name`)
) ENGINE=InnoDB DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci;
INSERT INTO `seed_peer_cluster` VALUES (1,'2026-11-21 11:49:55.655','2026-11-21 11:49:55.656',0,'cluster-1','','{\"load_limit\":2000}');
INSERT INTO `seed_peer_cluster` VALUES (2,'2026-11-21 11:56:50.317','2026-11-21 11:56:50.318',0,'c2','','{\"block_list\":{\"persistent_cache_task\":null,\"persistent_task\":null,\"task\":{\"download\":{\"applications\":null,\"priorities\":null,\"tags\":[\"t\"],\"urls\":[\"a\"]}}},\"load_limit\":77}');
CREATE TABLE `seed_peer_cluster_scheduler_cluster` (
  `scheduler_cluster_id` bigint(20) unsigned NOT NULL,
  `seed_peer_cluster_id` bigint(20) unsigned NOT NULL,
  PRIMARY KEY (`scheduler_cluster_id`,`seed_peer_cluster_id`)
) ENGINE=InnoDB DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci;
INSERT INTO `seed_peer_cluster_scheduler_cluster` VALUES (1,1);
INSERT INTO `seed_peer_cluster_scheduler_cluster` VALUES (2,2);
CREATE TABLE `user` (
  `id` bigint(20) unsigned NOT NULL AUTO_INCREMENT,
  `created_at` datetime(3) DEFAULT NULL,
  `updated_at` datetime(3) DEFAULT NULL,
  `is_del` bigint(20) unsigned DEFAULT NULL,
  `email` varchar(256) NOT NULL,
  `name` varchar(256) NOT NULL,
  `encrypted_password` varchar(1024) DEFAULT NULL,
  `avatar` varchar(256) DEFAULT NULL,
  `phone` varchar(256) DEFAULT NULL,
  `private_token` varchar(256) DEFAULT NULL,
  `state` varchar(256) DEFAULT 'enable',
  `location` varchar(256) DEFAULT NULL,
  `bio` varchar(256) DEFAULT NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `uk_user_email` (`email`),
  UNIQUE KEY `uk_user_name` (`name`)
) ENGINE=InnoDB DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci;
INSERT INTO `user` VALUES (1,'2026-11-21 11:49:55.692','2026-11-21 11:49:55.692',0,'','root','$2a$04$FIJspWrCeLwa7M.ixRVeo.4HH1F7sS14TFOXjEnC0cbheb97umkvC','','','','enable','','');
INSERT INTO `user` VALUES (2,'2026-11-21 11:56:50.402','2026-11-21 11:56:50.402',0,'g@example.com','guest1','$2a$04$Na/QJ0gOIC12pyey0TFPS.2nO8QLQe70iJX06mzAa188kxLqUdFoC','','','','enable','','');
