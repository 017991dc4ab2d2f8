use super::*;

/// Polls, with a limit, instead of sleeping for a guess.
fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < Duration::from_secs(30), "never: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn kept_folder() -> PathBuf {
    let label = crate::random::Random::system().label();
    std::env::temp_dir().join(format!("siths-idp-kept-{label}"))
}

fn keeping(folder: &Path) -> Options {
    Options { keep: Some(folder.to_owned()) }
}

async fn number(server: &Server, database: &str, statement: &'static str) -> i32 {
    let mut connection = PgConnection::connect(&server.url(database)).await.unwrap();
    sqlx::query_scalar(statement).fetch_one(&mut connection).await.unwrap()
}

#[tokio::test]
async fn a_name_that_could_hide_a_statement_is_no_database() {
    let server = Server::start(&Options::default()).unwrap();
    for name in ["", "x\" template \"y", "å", "X"] {
        let refused = server.create_database(name, None).await;
        assert!(matches!(refused, Err(PostgresError::DatabaseName(_))), "{name}");
    }
}

#[tokio::test]
async fn it_answers_clones_a_template_and_leaves_no_folder() {
    let server = Server::start(&Options::default()).unwrap();
    assert_eq!(number(&server, "postgres", "select 1").await, 1);

    server.create_database("template_x", None).await.unwrap();
    let mut connection = PgConnection::connect(&server.url("template_x")).await.unwrap();
    connection.execute("create table t as select 7 as n").await.unwrap();
    connection.close().await.unwrap();
    server.create_database("copy_1", Some("template_x")).await.unwrap();
    assert_eq!(number(&server, "copy_1", "select n from t").await, 7);

    let folder = server.run.folder.clone();
    assert!(server.log_file().exists());
    drop(server);
    assert!(!folder.exists());
}

#[tokio::test]
async fn nobody_else_can_enter_the_folder_of_the_socket() {
    use std::os::unix::fs::PermissionsExt as _;
    let server = Server::start(&Options::default()).unwrap();
    let mode = std::fs::metadata(&server.run.folder).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    let settings = "select count(*)::int from pg_settings where name = 'listen_addresses' \
                    and setting = '' or name = 'unix_socket_permissions' and setting = '0700'";
    assert_eq!(number(&server, "postgres", settings).await, 2);
}

#[tokio::test]
async fn kept_data_is_there_again_and_is_refused_to_a_second_server() {
    let folder = kept_folder();
    let server = Server::start(&keeping(&folder)).unwrap();
    server.create_database("kept", None).await.unwrap();
    let Err(PostgresError::InUse { process, .. }) = Server::start(&keeping(&folder)) else {
        panic!("two servers on one folder");
    };
    assert_eq!(process, i32::try_from(std::process::id()).unwrap());
    drop(server);

    let server = Server::start(&keeping(&folder)).unwrap();
    assert_eq!(number(&server, "kept", "select 1").await, 1);
    drop(server);
    std::fs::remove_dir_all(&folder).unwrap();
}

#[tokio::test]
async fn a_pid_file_that_a_crash_left_does_not_stop_the_next_start() {
    let folder = kept_folder();
    drop(Server::start(&keeping(&folder)).unwrap());
    // Process 1 exists everywhere and is no PostgreSQL of this folder.
    let stale = format!("1\n{}\n0\n5432\n/tmp\n\n1 1\nready\n", folder.display());
    std::fs::write(folder.join("cluster/data/postmaster.pid"), stale).unwrap();
    let server = Server::start(&keeping(&folder)).unwrap();
    assert_eq!(number(&server, "postgres", "select 1").await, 1);
    drop(server);
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn a_start_that_fails_says_what_postgres_said() {
    let folder = kept_folder();
    drop(Server::start(&keeping(&folder)).unwrap());
    let settings = folder.join("cluster/data/postgresql.conf");
    std::fs::write(&settings, "no_such_setting = 1\n").unwrap();
    let refused = Server::start(&keeping(&folder)).unwrap_err();
    assert!(refused.to_string().contains("no_such_setting"), "{refused}");
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn a_closed_folder_is_named_to_root() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    use std::os::unix::fs::DirBuilderExt as _;
    let folder = kept_folder();
    std::fs::DirBuilder::new().mode(0o700).create(&folder).unwrap();
    let refused = Server::start(&keeping(&folder.join("pg"))).unwrap_err();
    assert!(refused.to_string().contains("chmod o+x"), "{refused}");
    std::fs::remove_dir_all(&folder).unwrap();
}

const OWNER: &str = "SITHS_IDP_TEST_POSTGRES_OWNER";

/// The other process of the test below: starts a server, says where, and waits to be killed.
#[test]
fn owner_that_is_killed() {
    let Some(report) = std::env::var_os(OWNER).map(PathBuf::from) else {
        return;
    };
    let keep = report.with_extension("keep");
    let options = Options { keep: keep.exists().then_some(keep) };
    let server = Server::start(&options).unwrap();
    let draft = report.with_extension("draft");
    std::fs::write(&draft, server.run.folder.to_str().unwrap()).unwrap();
    std::fs::rename(draft, report).unwrap();
    loop {
        std::thread::park();
    }
}

fn killed_owner(report: &Path) -> (PathBuf, rustix::process::Pid) {
    let mut owner = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "dev::postgres::tests::owner_that_is_killed"])
        .env(OWNER, report)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    eventually("the server starts", || report.exists());
    let run = PathBuf::from(std::fs::read_to_string(report).unwrap());
    let keep = report.with_extension("keep");
    let home = if keep.exists() { keep.join("cluster") } else { run.clone() };
    let pid = std::fs::read_to_string(home.join("data/postmaster.pid")).unwrap();
    let pid = pid.lines().next().unwrap().parse().unwrap();
    owner.kill().unwrap();
    owner.wait().unwrap();
    std::fs::remove_file(report).unwrap();
    (run, rustix::process::Pid::from_raw(pid).unwrap())
}

#[test]
fn nothing_is_left_when_the_owner_is_killed() {
    let (run, postgres) = killed_owner(&kept_folder());
    eventually("the folder goes", || !run.exists());
    eventually("the process goes", || rustix::process::test_kill_process(postgres).is_err());
}

#[test]
fn the_next_start_waits_for_the_server_of_a_killed_owner() {
    let report = kept_folder();
    let keep = report.with_extension("keep");
    std::fs::create_dir(&keep).unwrap();
    let (run, _) = killed_owner(&report);
    drop(Server::start(&keeping(&keep)).unwrap());
    eventually("the folder goes", || !run.exists());
    std::fs::remove_dir_all(&keep).unwrap();
}
