//! A door between a service and a node, which a test shuts, jams or opens to another node.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncRead, AsyncWrite, copy_bidirectional};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio_rustls::TlsAcceptor;

/// What becomes of a connection.
#[derive(Clone)]
pub(crate) enum Door {
    /// It leads to a node.
    To(SocketAddr),
    /// The same, behind a certificate.
    Tls(SocketAddr, TlsAcceptor),
    /// It is closed at once.
    Shut,
}

/// A listener with a door.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    door: Arc<Mutex<Door>>,
    connections: Arc<Mutex<Vec<tokio::task::AbortHandle>>>,
    _runtime: Runtime,
}

impl Proxy {
    pub(crate) fn start(door: Door) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("bound");
        listener.set_nonblocking(true).expect("set");
        let (door, connections) = (Arc::new(Mutex::new(door)), Arc::new(Mutex::new(Vec::new())));
        let (doors, handles) = (door.clone(), connections.clone());
        runtime.spawn(async move {
            let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
            while let Ok((client, _)) = listener.accept().await {
                let door = doors.lock().expect("whole").clone();
                let task = tokio::spawn(async move { drop(pass(client, door).await) });
                handles.lock().expect("whole").push(task.abort_handle());
            }
        });
        Self { address, door, connections, _runtime: runtime }
    }

    /// Changes the door; those who are within are thrown out.
    pub(crate) fn set(&self, door: Door) {
        *self.door.lock().expect("whole") = door;
        for connection in self.connections.lock().expect("whole").drain(..) {
            connection.abort();
        }
    }
}

async fn pass(client: TcpStream, door: Door) -> io::Result<()> {
    match door {
        Door::To(node) => between(client, node).await,
        Door::Tls(node, acceptor) => between(acceptor.accept(client).await?, node).await,
        Door::Shut => Ok(()),
    }
}

async fn between(
    mut client: impl AsyncRead + AsyncWrite + Unpin,
    node: SocketAddr,
) -> io::Result<()> {
    let mut node = TcpStream::connect(node).await?;
    copy_bidirectional(&mut client, &mut node).await.map(drop)
}
