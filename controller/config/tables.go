package config

import (
	"fmt"
	"time"

	"busbar/loadbalance"
)

// Parse reads a configuration. name stands in the problems. The error is a Problems
// that names everything wrong at once (the first 1000); the Config is nil then.
func Parse(name string, data []byte, known Known) (*Config, error) {
	r := &reader{source: source{file: name}, at: map[string]place{}, bad: map[string]bool{}}
	root, ok := r.parse(data)
	if ok {
		r.at[""] = place{root.line, root.col}
		c := configKind().read(r, root, "")
		r.check(&c, known)
		if len(r.problems) == 0 {
			return &c, nil
		}
	}
	r.problems.sort()
	return nil, r.problems.atMost(maxProblems)
}

// Check is Parse for a Config made by a program: it finds what Parse would find in its
// canonical form.
func (c *Config) Check(known Known) error {
	_, err := Parse("configuration", c.YAML(), known)
	return err
}

func configKind() kind[Config] {
	return object(
		required("version", "version of this format, 1", integer("the version of the format", 1, 1), func(c *Config) *int { return &c.Version }),
		required("site", "the site: {id: …, timezone: Europe/Berlin}", siteKind(), func(c *Config) *Site { return &c.Site }),
		required("grid", "list of supplies, each naming its root circuit", list(supplyKind(), 1, 8), func(c *Config) *[]Supply { return &c.Grid }),
		required("circuits", "list of fuses and breakers, at least the main one", list(circuitKind(), 1, 500), func(c *Config) *[]Circuit { return &c.Circuits }),
		optional("meters", "list of meters", list(meterKind(), 0, 100), nil, func(c *Config) *[]Meter { return &c.Meters }),
		later[Config]("inputs", "contacts and limits from outside"),
		optional("chargers", "list of chargers", list(chargerKind(), 0, 500), nil, func(c *Config) *[]Charger { return &c.Chargers }),
		optional("upstream", "the cloud; none by default", upstreamKind(), Upstream{}, func(c *Config) *Upstream { return &c.Upstream }),
		optional("authorization", "what happens to tokens nobody can judge", authorizationKind(), Authorization{Unknown: Reject, OfflineUnknown: Reject}, func(c *Config) *Authorization { return &c.Authorization }),
		optional("onboarding", "unknown chargers wait for approval, are refused (closed), or are taken at once (open, for tests only)",
			enum(OnboardApprove, OnboardClosed, OnboardOpen), OnboardApprove, func(c *Config) *Onboarding { return &c.Onboarding }),
		maybe("charger_network", "the wire between box and chargers", chargerNetworkKind(), func(c *Config) *ChargerNetwork { return &c.ChargerNetwork }),
		optional("listen", "addresses the box listens on", listenKind(), defaultListen(), func(c *Config) *Listen { return &c.Listen }),
		optional("sharing", "how current is shared where no plan holds: evenly whoever leaves when (fair), or by the time to spare until departure (laxity)",
			enum(SharingFair, SharingLaxity), SharingFair, func(c *Config) *Sharing { return &c.Sharing }),
		maybe("tariff", "what energy and the highest quarter hour cost; plans go by it", tariffKind(), func(c *Config) *Tariff { return &c.Tariff }),
		maybe("schedules", "when cars leave, by weekday", orEmpty(list(scheduleKind(), 0, 200)), func(c *Config) *[]Schedule { return &c.Schedules }),
		maybe("vehicles", "vehicles known by their tokens", orEmpty(list(vehicleKind(), 0, 5000)), func(c *Config) *[]Vehicle { return &c.Vehicles }),
		later[Config]("notify", "who is told of alarms"),
		later[Config]("users", "people who may log in"),
		later[Config]("retention", "how long records are kept"),
	)
}

func siteKind() kind[Site] {
	return object(
		required("id", "short name of the site, such as depot1", identifier(), func(s *Site) *string { return &s.ID }),
		maybe("name", "name of the site for people", text("a name", 1, 100), func(s *Site) *string { return &s.Name }),
		required("timezone", "time zone of the site, such as Europe/Berlin", timezone(), func(s *Site) *string { return &s.Timezone }),
		optional("nominal_v", "voltage from phase to neutral, 120 in North America; between phases where there is no neutral", nominalVolts(), 230, func(s *Site) *int { return &s.NominalV }),
	)
}

// nominalVolts leaves out what no grid has.
func nominalVolts() kind[int] {
	return integer("volts from phase to neutral", 110, 240).checked(func(v int) (string, string) {
		if v > 127 && v < 220 {
			return fmt.Sprintf("must be 110 to 127 or 220 to 240 V, got %d", v), "Write 230, or 120 in North America."
		}
		return "", ""
	})
}

// timezone is a name of the IANA database.
func timezone() kind[string] {
	return text("a time zone", 1, 64).checked(func(s string) (string, string) {
		_, err := time.LoadLocation(s)
		if err != nil || s == "Local" {
			return "must be a time zone of the IANA database, got " + quote(s), "Write such as Europe/Berlin or UTC."
		}
		return "", ""
	})
}

// limitAmps is what a fuse may be rated; an absent phase has 0.
func limitAmps() kind[loadbalance.PerPhase] {
	return perPhase(amps(true, 1, 6300)).checked(func(p loadbalance.PerPhase) (string, string) {
		if p == (loadbalance.PerPhase{}) {
			return "allows no current on any phase", "Write the rated current of the fuse for each phase, 0 only where a phase is absent."
		}
		return "", ""
	})
}

func circuitKind() kind[Circuit] {
	return object(
		required("id", "short name of the circuit, such as main", identifierOf[loadbalance.NodeID](), func(c *Circuit) *loadbalance.NodeID { return &c.ID }),
		maybe("parent", "id of the circuit that feeds this one; none for a root", identifierOf[loadbalance.NodeID](), func(c *Circuit) *loadbalance.NodeID { return &c.Parent }),
		required("limit_a", "rated current of the fuse for L1, L2, L3, such as [63, 63, 63]", limitAmps(), func(c *Circuit) *loadbalance.PerPhase { return &c.Limit }),
		required("breaker", "kind of protective device: gG, MCB-B, MCB-C or MCB-D", enum(BreakerGG, BreakerB, BreakerC, BreakerD), func(c *Circuit) *Breaker { return &c.Breaker }),
		maybe("limit_kw", "power of all below the circuit; no limit if absent", power(), func(c *Circuit) *Watt { return &c.Power }),
		maybe("continuous_factor", "share of limit_a that may flow for hours; that of the supply if absent", share(), func(c *Circuit) *Percent { return &c.Continuous }),
		maybe("meter", "id of the meter that measures this circuit; that of a root stands in grid", identifier(), func(c *Circuit) *string { return &c.Meter }),
		maybe("worst_base_a", "the worst load beside the chargers below this circuit, part of the parent's; that of a root stands in grid",
			perPhase(amps(true, 0, 6300)), func(c *Circuit) *loadbalance.PerPhase { return &c.WorstBase }),
	)
}

func meterKind() kind[Meter] {
	return object(
		required("id", "short name of the meter, such as grid", identifier(), func(m *Meter) *string { return &m.ID }),
		required("url", "where it is: \"tcp://10.0.0.5:502/1\" for Modbus TCP unit 1, or \"mqtt://host:1883/topic?l1=…&l2=…&l3=…\"", meterURL(), func(m *Meter) *MeterURL { return &m.URL }),
		maybe("model", "model of a Modbus meter, such as eastron_sdm630", identifier(), func(m *Meter) *string { return &m.Model }),
		optional("period", "time between two readings", duration(100*time.Millisecond, time.Hour), time.Second, func(m *Meter) *time.Duration { return &m.Period }),
		maybe("role", "pv: it measures what is produced on the site, and guards no fuse", enum(RoleSun), func(m *Meter) *MeterRole { return &m.Role }),
		maybe("user", "user at the MQTT broker", text("a user", 1, 100), func(m *Meter) *string { return &m.User }),
		maybe("password", "password at the MQTT broker, or \"env:NAME\" or \"file:PATH\"", secret(), func(m *Meter) *Secret { return &m.Password }),
	)
}

func chargerKind() kind[Charger] {
	return object(
		required("id", "OCPP identity of the charger, such as CP1", identity(), func(c *Charger) *string { return &c.ID }),
		required("circuit", "id of the circuit that feeds it", identifierOf[loadbalance.NodeID](), func(c *Charger) *loadbalance.NodeID { return &c.Circuit }),
		optional("protocol", "OCPP version it must speak", enum(ProtocolAny, OCPP16, OCPP201, OCPP21), ProtocolAny, func(c *Charger) *Protocol { return &c.Protocol }),
		optional("security_profile", "0 plain without password, 1 plain with password, 2 TLS with password, 3 TLS with client certificate",
			integer("a security profile", 0, 3), 2, func(c *Charger) *int { return &c.SecurityProfile }),
		maybe("password", "password for profiles 1 and 2, or \"env:NAME\" or \"file:PATH\"", secret(), func(c *Charger) *Secret { return &c.Password }),
		optional("failsafe_a", "what each connector falls back to by itself, 0 or at least 6 A", amps(true, 6, 80), 6*loadbalance.Amp, func(c *Charger) *loadbalance.MilliAmp { return &c.Failsafe }),
		required("connectors", "list of connectors: [{n: 1, max_a: 32}]", list(connectorKind(), 1, 16), func(c *Charger) *[]Connector { return &c.Connectors }),
	)
}

func connectorKind() kind[Connector] {
	return object(
		required("n", "number of the connector at the charger, 1 for the first", integer("a connector number", 1, 99), func(c *Connector) *int { return &c.Number }),
		maybe("slot", "number of the connector towards the cloud; given by the box if absent", integer("a slot", 1, 9999), func(c *Connector) *int { return &c.Slot }),
		optional("min_a", "least current a car charges with here", amps(false, 6, 80), 6*loadbalance.Amp, func(c *Connector) *loadbalance.MilliAmp { return &c.Min }),
		required("max_a", "most current of cable, socket and its own fuse, such as 32", amps(false, 6, 1000), func(c *Connector) *loadbalance.MilliAmp { return &c.Max }),
		maybe("phases", "grid phases on the connector's L1, L2, L3; unknown if absent, then each counts on all three", wiring(), func(c *Connector) *[]loadbalance.Phase { return &c.Wiring }),
		maybe("bay", "parking bay", text("a bay", 1, 50), func(c *Connector) *string { return &c.Bay }),
		maybe("evse_id", "eMI3 identifier, such as DE*ABC*E001", evseID(), func(c *Connector) *string { return &c.EVSEID }),
		maybe("schedule", "id of the schedule that cars leave by here, where nothing better is known", identifier(), func(c *Connector) *string { return &c.Schedule }),
		maybe("qr_url", "address in the QR code at the connector", webURL(), func(c *Connector) *string { return &c.QRURL }),
	)
}

func evseID() kind[string] {
	return matching("an EVSE id", 48, `^[A-Z]{2}\*?[A-Z0-9]{3}\*?E[A-Z0-9*]{1,30}$`, "Write country, operator, E and number, such as DE*ABC*E001.")
}

func upstreamKind() kind[Upstream] {
	return object(
		optional("stations", "how the site appears to the cloud; none: it works alone", list(stationKind(), 0, 8), nil, func(u *Upstream) *[]Station { return &u.Stations }),
	)
}

func stationKind() kind[Station] {
	return object(
		required("id", "OCPP identity of the site at the cloud", identity(), func(s *Station) *string { return &s.ID }),
		required("url", "address of the cloud without the identity, such as wss://csms.example/ocpp", cloudURL(), func(s *Station) *string { return &s.URL }),
		required("protocol", "OCPP version: ocpp1.6 or ocpp2.0.1", enum(OCPP16, OCPP201), func(s *Station) *Protocol { return &s.Protocol }),
		optional("security_profile", "0 plain without password, 1 plain with password, 2 TLS with password, 3 TLS with client certificate",
			integer("a security profile", 0, 3), 2, func(s *Station) *int { return &s.SecurityProfile }),
		maybe("password", "password for profiles 1 and 2, or \"env:NAME\" or \"file:PATH\"", secret(), func(s *Station) *Secret { return &s.Password }),
		maybe("roots", "file with the authorities (PEM) of the cloud's certificate; those of the machine if absent", text("a file", 1, 200), func(s *Station) *string { return &s.Roots }),
		maybe("certificate", "file with the certificate chain (PEM) of the site, for profile 3", text("a file", 1, 200), func(s *Station) *string { return &s.Certificate }),
		maybe("key", "file with the key (PEM) of that certificate", text("a file", 1, 200), func(s *Station) *string { return &s.Key }),
		optional("dialect", "habits of the cloud", identifier(), "default", func(s *Station) *string { return &s.Dialect }),
	)
}

func authorizationKind() kind[Authorization] {
	return object(
		optional("unknown", "tokens while there is no cloud", enum(Reject, Accept), Reject, func(a *Authorization) *Decision { return &a.Unknown }),
		optional("offline_unknown", "tokens while the cloud is out of reach", enum(Reject, Accept), Reject, func(a *Authorization) *Decision { return &a.OfflineUnknown }),
		maybe("groups", "cards whose cars leave alike", orEmpty(list(groupKind(), 0, 200)), func(a *Authorization) *[]Group { return &a.Groups }),
	)
}

func defaultListen() Listen { return Listen{UI: ":443", WSS: ":8888", MTLS: ":8889"} }

func listenKind() kind[Listen] {
	def := defaultListen()
	return object(
		optional("ui", "web pages and API; \"\" is off", address(), def.UI, func(l *Listen) *string { return &l.UI }),
		optional("ws", "chargers without TLS (profiles 0 and 1)", address(), def.WS, func(l *Listen) *string { return &l.WS }),
		optional("wss", "chargers with TLS (profile 2)", address(), def.WSS, func(l *Listen) *string { return &l.WSS }),
		optional("mtls", "chargers with client certificates (profile 3)", address(), def.MTLS, func(l *Listen) *string { return &l.MTLS }),
		optional("modbus", "Modbus server for building management", address(), def.Modbus, func(l *Listen) *string { return &l.Modbus }),
	)
}
