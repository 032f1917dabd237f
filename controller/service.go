package controller

import (
	"encoding/json"
	"time"
)

// The commands of service: each but CommandClearCache, CommandListVersion and
// CommandTxStatus carries a Detail of its kind.
const (
	CommandClearCache        CommandKind = "clear-cache"
	CommandComposite         CommandKind = "composite-schedule"
	CommandLog               CommandKind = "log"
	CommandFirmware          CommandKind = "firmware"
	CommandReserve           CommandKind = "reserve"
	CommandCancelReservation CommandKind = "cancel-reservation"
	CommandSendList          CommandKind = "send-list"
	CommandListVersion       CommandKind = "list-version"
	CommandTransfer          CommandKind = "transfer"
	CommandInstallCert       CommandKind = "install-certificate"
	CommandListCerts         CommandKind = "list-certificates"
	CommandDeleteCert        CommandKind = "delete-certificate"
	CommandSignedCert        CommandKind = "signed-certificate"
)

// CommandDetail is what a command of service carries. The set is closed.
type CommandDetail interface{ commandDetail() }

type (
	// CompositeDetail asks what holds on Command.Connector for the next For.
	CompositeDetail struct{ For time.Duration }
	// LogDetail makes a charger upload a log. Security asks for its security log, which
	// chargers without the security extension don't have. Since and Until are zero
	// where nothing bounds it.
	LogDetail struct {
		RequestID    int
		Security     bool
		Location     string // URL of a folder
		Since, Until time.Time
		Retry        Retry
	}
	// FirmwareDetail makes a charger update itself. With a signature it is the secure
	// update: Certificate is PEM, Signature base64. InstallAt zero: at once.
	FirmwareDetail struct {
		RequestID              int
		Location               string
		RetrieveAt, InstallAt  time.Time
		Certificate, Signature string
		Retry                  Retry
	}
	// ReserveDetail holds Command.Connector for Command.Token until Until.
	ReserveDetail struct {
		ReservationID int
		Until         time.Time
		Parent        string
	}
	// CancelDetail ends a reservation.
	CancelDetail struct{ ReservationID int }
	// ListDetail replaces (Full) or amends a charger's own list of tokens. An entry
	// without Info is taken off.
	ListDetail struct {
		Version int
		Full    bool
		Entries []ListEntry
	}
	// TransferDetail is DataTransfer. Data is nil if there is none.
	TransferDetail struct {
		Vendor, Message string
		Data            *string
	}
	// CertificateDetail installs PEM, a root of use Use; of CommandListCerts only Use
	// counts, of CommandSignedCert only PEM, a chain with the charger's own first.
	CertificateDetail struct {
		Use CertificateUse
		PEM string
	}
	// CertificateID names a certificate to be deleted (16S; 2.0.1 CertificateHashData).
	CertificateID struct {
		Algorithm      string `json:"hashAlgorithm"` // "SHA256", "SHA384", "SHA512"
		IssuerNameHash string `json:"issuerNameHash"`
		IssuerKeyHash  string `json:"issuerKeyHash"`
		Serial         string `json:"serialNumber"` // hexadecimal, no leading zeros
	}
)

// Retry is how often a charger tries again by itself; zero: as it likes.
type Retry struct {
	Times int
	After time.Duration
}

// ListEntry is one token of a charger's own list.
type ListEntry struct {
	Token IDToken
	Info  *TokenInfo
}

// CertificateUse is what a root vouches for.
type CertificateUse string

// The uses.
const (
	UseCentralSystem CertificateUse = "CentralSystemRootCertificate"
	UseManufacturer  CertificateUse = "ManufacturerRootCertificate"
)

func (CompositeDetail) commandDetail()   {}
func (LogDetail) commandDetail()         {}
func (FirmwareDetail) commandDetail()    {}
func (ReserveDetail) commandDetail()     {}
func (CancelDetail) commandDetail()      {}
func (ListDetail) commandDetail()        {}
func (TransferDetail) commandDetail()    {}
func (CertificateDetail) commandDetail() {}
func (CertificateID) commandDetail()     {}

// Composite is the Data of an answered CommandComposite. Unlimited: the charger holds
// no limit at all (some say -1 for that).
type Composite struct {
	Unlimited bool     `json:"unlimited,omitempty"`
	Unit      RateUnit `json:"unit,omitempty"`
	Milli     int64    `json:"milli,omitempty"`  // thousandths of the unit, of the first period
	Phases    int      `json:"phases,omitempty"` // 0: not told
}

// serviceRequested sends a command of service to a charger and answers with what it
// says. Everything that touches money or fuses has an event of its own.
func (s *Site) serviceRequested(ev ServiceRequested) {
	st := s.stations[ev.Command.Station]
	refuse := func(why string) { s.answer(ev.Reply, CommandAnswer{Status: "Rejected", Reason: why}) }
	switch {
	case st == nil:
		refuse("no such charger")
		return
	case !st.online:
		refuse("the charger is not connected")
		return
	case !ev.Command.Kind.Service() && ev.Command.Kind != CommandTrigger && ev.Command.Kind != CommandReset:
		refuse("this is no command of service")
		return
	}
	s.note(SeverityInfo, "charger.service", string(st.id), string(ev.Command.Kind)+" asked for by "+string(ev.Origin))
	s.command(ev.Command, func(a CommandAnswered) {
		if ev.Command.Kind == CommandFirmware || ev.Command.Kind == CommandLog {
			st.jobAsked(s.now, ev.Command, a)
		}
		s.answer(ev.Reply, CommandAnswer{Status: statusOr(a, "Rejected"), Reason: a.Err, Data: a.Data})
	})
}

func statusOr(a CommandAnswered, other string) string {
	if a.Status == "" {
		return other
	}
	return a.Status
}

// Service tells whether k is a command of service: one with a Detail, or of those
// without.
func (k CommandKind) Service() bool {
	switch k {
	case CommandClearCache, CommandComposite, CommandLog, CommandFirmware, CommandReserve, CommandCancelReservation, CommandSendList,
		CommandListVersion, CommandTransfer, CommandInstallCert, CommandListCerts, CommandDeleteCert, CommandSignedCert, CommandTxStatus:
		return true
	}
	return false
}

// ServiceRequested is a command of service for one charger, by the page or the cloud.
// Answered with CommandAnswer; its Data is what the charger told (a Composite, a list of
// CertificateID, a number or a text), JSON.
type ServiceRequested struct {
	Reply   ReplyID
	Origin  Origin
	Command Command // Op is set by the Site; Within 0 is the usual time
}

func (ServiceRequested) event() {}

// RawData is v as JSON, for the Data of a CommandAnswered.
func RawData(v any) json.RawMessage {
	text, err := json.Marshal(v)
	if err != nil {
		return nil
	}
	return text
}
