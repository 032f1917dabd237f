// Package pki is the site's own certificate authority: the roots that chargers trust,
// the box's server certificates on the charger ports, and the client certificates of
// the chargers (ocpp-gateway 1.3).
//
// Owner: an Authority owns the private keys and the list of revoked certificates, a
// Server the certificates the box shows. Keys never leave the package; they are kept by a
// KeyStore. Both types may be used from any goroutine. Times are the clock's; a box
// whose clock was wrong when it made a certificate makes a new one once it is right.
//
// Why two roots: the roots are ECDSA P-256 and RSA 2048. The box shows an ECDSA and an
// RSA certificate (A00.FR.318), and a charger that can read RSA only could not check
// the latter if an ECDSA root had signed it.
//
// The package knows nothing of OCPP, databases, sites or HTTP.
package pki
