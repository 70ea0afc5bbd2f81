//! Finds the addresses to listen on and binds them (trust §2).

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6, TcpListener};

use socket2::{Domain, Protocol, Socket, Type};
use url::{Host, Url};

use super::tuning::{BACKLOG, SAME_PORT_ATTEMPTS};
use crate::error::{Error, NetworkReason, Result};
use crate::transport;

/// Sockets that listen on one port, and the hosts by which they are reached.
#[derive(Debug)]
pub(super) struct Bound {
    pub(super) sockets: Vec<TcpListener>,
    pub(super) port: u16,
    /// Addresses first, those of other machines' interest before loopback; the host name last.
    hosts: Vec<String>,
}

/// Binds `port` (0: any free one) on `interface`: an address, an interface's name, `loopback`, or
/// all of them, dual-stack.
///
/// # Errors
/// Network `UnknownInterface` or `AddressNotAvailable`; `Posix` with EADDRINUSE, naming the port,
/// when another socket has it.
pub(super) fn bind(interface: Option<&str>, port: u16) -> Result<Bound> {
    match Place::find(interface)? {
        Place::All => bind_all(port),
        Place::Addresses(addresses) => bind_addresses(&addresses, port),
    }
}

impl Bound {
    /// One URL for each host.
    pub(super) fn urls(&self, is_tls: bool, database: &str) -> Vec<String> {
        let scheme = if is_tls { "wss" } else { "ws" };
        let url = |host: &String| {
            let mut url = Url::parse(&format!("{scheme}://{host}:{}/", self.port)).ok()?;
            url.path_segments_mut().ok()?.pop_if_empty().push(database);
            Some(url.into())
        };
        self.hosts.iter().filter_map(url).collect()
    }
}

/// This machine's name, if it is one that can stand in a URL.
pub(super) fn host_name() -> Option<String> {
    #[cfg(unix)]
    let name = rustix::system::uname().nodename().to_str().ok()?.to_owned();
    #[cfg(not(unix))]
    let name = std::env::var("COMPUTERNAME").ok()?.to_ascii_lowercase();
    matches!(Host::parse(&name), Ok(Host::Domain(_))).then_some(name)
}

/// Whether `interface` means all of them.
pub(super) fn is_all(interface: Option<&str>) -> bool {
    matches!(Place::find(interface), Ok(Place::All))
}

/// An address that a listener can be bound to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkInterface {
    /// Name of the interface, e.g. `eth0`.
    pub name: String,
    /// One of its addresses; without the zone of link-local ones.
    pub address: IpAddr,
    /// Whether only this machine reaches it.
    pub is_loopback: bool,
}

/// All addresses of this machine's interfaces, the loopback's last.
///
/// # Errors
/// `Posix`.
pub fn network_interfaces() -> Result<Vec<NetworkInterface>> {
    let mut found: Vec<_> = if_addrs::get_if_addrs()?
        .into_iter()
        .map(|found| NetworkInterface {
            address: found.ip(),
            is_loopback: found.is_loopback(),
            name: found.name,
        })
        .collect();
    found.sort_by_key(|interface| interface.is_loopback); // stable
    Ok(found)
}

enum Place {
    All,
    Addresses(Vec<SocketAddr>),
}

impl Place {
    fn find(interface: Option<&str>) -> Result<Self> {
        let Some(name) = interface.filter(|name| !name.is_empty()) else {
            return Ok(Self::All);
        };
        if name == "loopback" {
            return Ok(Self::Addresses(vec![
                (Ipv4Addr::LOCALHOST, 0).into(),
                (Ipv6Addr::LOCALHOST, 0).into(),
            ]));
        }
        let bare = name
            .strip_prefix('[')
            .and_then(|name| name.strip_suffix(']'));
        if let Ok(address) = bare.unwrap_or(name).parse::<IpAddr>() {
            if address.is_unspecified() {
                return Ok(Self::All);
            }
            return Ok(Self::Addresses(vec![(address, 0).into()]));
        }
        let addresses: Vec<SocketAddr> = if_addrs::get_if_addrs()?
            .into_iter()
            .filter(|found| found.name == name)
            .map(|found| match found.ip() {
                IpAddr::V6(ip) if found.is_link_local() => {
                    SocketAddrV6::new(ip, 0, 0, found.index.unwrap_or_default()).into()
                }
                ip => (ip, 0).into(),
            })
            .collect();
        if addresses.is_empty() {
            return Err(Error::network(
                NetworkReason::UnknownInterface,
                format!("unknown network interface {name:?}"),
            ));
        }
        Ok(Self::Addresses(addresses))
    }
}

fn bind_all(port: u16) -> Result<Bound> {
    let (socket, has_ipv6) = match listen((Ipv6Addr::UNSPECIFIED, port).into()) {
        Ok(socket) => (socket, true),
        Err(error) if is_taken(&error) => return Err(failed(&error, port, "all interfaces")),
        // This machine may have no IPv6.
        Err(_) => {
            let socket = listen((Ipv4Addr::UNSPECIFIED, port).into())
                .map_err(|error| failed(&error, port, "all interfaces"))?;
            (socket, false)
        }
    };
    let port = socket.local_addr()?.port();
    let mut found: Vec<_> = if_addrs::get_if_addrs()?
        .into_iter()
        .filter(|found| !found.is_link_local() && (has_ipv6 || found.ip().is_ipv4()))
        .collect();
    found.sort_by_key(if_addrs::Interface::is_loopback); // stable
    let mut hosts: Vec<String> = found.iter().map(|found| url_host(found.ip())).collect();
    hosts.extend(host_name());
    Ok(Bound {
        sockets: vec![socket],
        port,
        hosts,
    })
}

fn bind_addresses(addresses: &[SocketAddr], port: u16) -> Result<Bound> {
    for _ in 0..SAME_PORT_ATTEMPTS {
        match bind_each(addresses, port) {
            // Another program has the port on one of our addresses: try one that is free on all.
            Ok(None) => {}
            Ok(Some(bound)) => return Ok(bound),
            Err(error) => return Err(error),
        }
    }
    Err(Error::network(
        NetworkReason::AddressNotAvailable,
        "found no port that is free on all addresses of the interface",
    ))
}

/// Binds all addresses to one port. `None`: any port would do, but this one was not free on all.
fn bind_each(addresses: &[SocketAddr], wanted: u16) -> Result<Option<Bound>> {
    let mut sockets = Vec::new();
    let mut hosts = Vec::new();
    let mut port = wanted;
    let mut unavailable = None;
    for address in addresses {
        let mut address = *address;
        address.set_port(port);
        match listen(address) {
            Ok(socket) => {
                port = socket.local_addr()?.port();
                sockets.push(socket);
                let is_link_local = matches!(address, SocketAddr::V6(v6) if v6.scope_id() != 0);
                if !is_link_local {
                    hosts.push(url_host(address.ip()));
                }
            }
            Err(error) if is_taken(&error) && wanted == 0 => return Ok(None),
            Err(error) if is_taken(&error) => {
                return Err(failed(&error, port, &address.ip().to_string()));
            }
            Err(error) => {
                unavailable = Some(failed(&error, port, &address.ip().to_string()));
            }
        }
    }
    match (sockets.is_empty(), unavailable) {
        (true, Some(error)) => Err(error),
        _ => Ok(Some(Bound {
            sockets,
            port,
            hosts,
        })),
    }
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    if address.is_ipv6() {
        socket.set_only_v6(!address.ip().is_unspecified())?;
    }
    // Lets a listener start again at once. On Windows it would let others take the port.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

fn is_taken(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::AddrInUse | io::ErrorKind::PermissionDenied
    )
}

fn failed(error: &io::Error, port: u16, place: &str) -> Error {
    let why = match error.kind() {
        io::ErrorKind::AddrInUse => "is already in use",
        io::ErrorKind::PermissionDenied => "may not be used by this user",
        _ => return transport::from_io(error, place),
    };
    Error::Posix {
        errno: error.raw_os_error().unwrap_or_default(),
        message: format!("port {port} {why} ({place})"),
    }
}

fn url_host(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_in_use_is_named_and_free_again_after_dropping() {
        let first = bind(Some("127.0.0.1"), 0).unwrap();
        for interface in [Some("127.0.0.1"), Some("loopback"), None] {
            let error = bind(interface, first.port).unwrap_err();
            assert_eq!(error.domain(), "POSIXErrorDomain");
            let wanted = format!("port {} is already in use", first.port);
            assert!(error.message().starts_with(&wanted), "{error}");
        }
        let port = first.port;
        drop(first);
        assert_eq!(bind(Some("127.0.0.1"), port).unwrap().port, port);
    }

    #[test]
    fn unknown_interfaces_are_refused() {
        let unknown = bind(Some("nope0"), 0).unwrap_err();
        assert_eq!(unknown.message(), "unknown network interface \"nope0\"");
        // TEST-NET-3: nobody's address.
        assert!(bind(Some("203.0.113.77"), 0).is_err());
    }

    #[test]
    fn an_interface_is_found_by_its_name_and_all_its_addresses_share_the_port() {
        let interfaces = if_addrs::get_if_addrs().unwrap();
        let loopback = interfaces.iter().find(|found| found.is_loopback()).unwrap();
        let bound = bind(Some(&loopback.name), 0).unwrap();
        for socket in &bound.sockets {
            assert_eq!(socket.local_addr().unwrap().port(), bound.port);
        }
        let urls = bound.urls(false, "a b/c");
        assert!(urls.contains(&format!("ws://127.0.0.1:{}/a%20b%2Fc", bound.port)));
    }

    #[test]
    fn all_interfaces_give_one_url_an_address_with_the_host_name_last() {
        let bound = bind(Some("0.0.0.0"), 0).unwrap();
        let urls = bound.urls(true, "db");
        assert!(urls.contains(&format!("wss://127.0.0.1:{}/db", bound.port)));
        if let Some(name) = host_name() {
            let last = format!("wss://{}:{}/db", name.to_ascii_lowercase(), bound.port);
            assert_eq!(urls.last(), Some(&last));
        }
        let dual = std::net::TcpStream::connect(("127.0.0.1", bound.port));
        assert!(dual.is_ok(), "IPv4 must reach the dual-stack socket");
    }
}
