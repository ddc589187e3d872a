CREATE TABLE user (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  email TEXT NOT NULL DEFAULT '',
  name TEXT NOT NULL UNIQUE,
  encrypted_password TEXT NOT NULL,
  avatar TEXT NOT NULL DEFAULT '',
  phone TEXT NOT NULL DEFAULT '',
  state TEXT NOT NULL DEFAULT 'enable' CHECK (state IN ('enable', 'disable')),
  location TEXT NOT NULL DEFAULT '',
  bio TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE UNIQUE INDEX user_email ON user (email) WHERE email <> '';

CREATE TABLE scheduler_cluster (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  name TEXT NOT NULL UNIQUE,
  bio TEXT NOT NULL,
  config TEXT NOT NULL,
  client_config TEXT NOT NULL,
  seed_client_config TEXT NOT NULL,
  scopes TEXT NOT NULL,
  is_default INTEGER NOT NULL CHECK (is_default IN (0, 1))
) STRICT;
CREATE UNIQUE INDEX scheduler_cluster_default ON scheduler_cluster (is_default) WHERE is_default = 1;

CREATE TABLE scheduler (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  config TEXT NOT NULL,
  host_name TEXT NOT NULL,
  idc TEXT NOT NULL,
  location TEXT NOT NULL,
  ip TEXT NOT NULL,
  port INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('active', 'inactive')),
  features TEXT NOT NULL,
  last_keep_alive_at INTEGER NOT NULL,
  scheduler_cluster_id INTEGER NOT NULL REFERENCES scheduler_cluster (id) ON DELETE CASCADE,
  UNIQUE (scheduler_cluster_id, host_name, ip)
) STRICT;

CREATE TABLE seed_peer_cluster (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  name TEXT NOT NULL UNIQUE,
  bio TEXT NOT NULL,
  config TEXT NOT NULL
) STRICT;

CREATE TABLE seed_peer (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  host_name TEXT NOT NULL,
  type TEXT NOT NULL,
  idc TEXT NOT NULL,
  location TEXT NOT NULL,
  ip TEXT NOT NULL,
  port INTEGER NOT NULL,
  download_port INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('active', 'inactive')),
  last_keep_alive_at INTEGER NOT NULL,
  seed_peer_cluster_id INTEGER NOT NULL REFERENCES seed_peer_cluster (id) ON DELETE CASCADE,
  UNIQUE (seed_peer_cluster_id, host_name, ip)
) STRICT;

CREATE TABLE seed_peer_cluster_scheduler_cluster (
  seed_peer_cluster_id INTEGER NOT NULL UNIQUE REFERENCES seed_peer_cluster (id) ON DELETE CASCADE,
  scheduler_cluster_id INTEGER NOT NULL UNIQUE REFERENCES scheduler_cluster (id) ON DELETE CASCADE,
  PRIMARY KEY (seed_peer_cluster_id, scheduler_cluster_id)
) STRICT;

CREATE TABLE application (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  name TEXT NOT NULL UNIQUE,
  url TEXT NOT NULL,
  bio TEXT NOT NULL,
  priority TEXT NOT NULL,
  user_id INTEGER NOT NULL REFERENCES user (id)
) STRICT;
