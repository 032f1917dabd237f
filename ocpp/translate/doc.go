// Package translate says in the words of one OCPP version what a peer said in those
// of another: meter values, signed ones among them. It is pure; all functions may be
// called from any goroutine.
//
// Numbers are moved as text and never go through a float: what is billed is the text
// that the meter gave. What has no words in the other version is left out.
//
// The package must not know of a site, a connection or who the peers are.
package translate
