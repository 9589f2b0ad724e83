-- The shop's database. Every key begins with the tenant, so no query can forget it unnoticed.
CREATE TABLE customers (
    tenant TEXT NOT NULL, id TEXT NOT NULL, name TEXT NOT NULL, email TEXT NOT NULL,
    PRIMARY KEY (tenant, id), UNIQUE (tenant, email)
) STRICT;
CREATE TABLE orders (
    tenant TEXT NOT NULL, id TEXT NOT NULL, customer TEXT NOT NULL, ordered_on TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN
        ('processing', 'shipped', 'delivered', 'lost', 'returned', 'cancelled')),
    state_since TEXT NOT NULL,
    PRIMARY KEY (tenant, id), FOREIGN KEY (tenant, customer) REFERENCES customers (tenant, id)
) STRICT;
CREATE TABLE items (
    tenant TEXT NOT NULL, order_id TEXT NOT NULL, line INTEGER NOT NULL, article TEXT NOT NULL,
    quantity INTEGER NOT NULL CHECK (quantity > 0), price_cents INTEGER NOT NULL,
    PRIMARY KEY (tenant, order_id, line), FOREIGN KEY (tenant, order_id) REFERENCES orders (tenant, id)
) STRICT;
CREATE TABLE payments (
    tenant TEXT NOT NULL, order_id TEXT NOT NULL, number INTEGER NOT NULL, paid_on TEXT NOT NULL,
    amount_cents INTEGER NOT NULL CHECK (amount_cents > 0), method TEXT NOT NULL,
    PRIMARY KEY (tenant, order_id, number), FOREIGN KEY (tenant, order_id) REFERENCES orders (tenant, id)
) STRICT;
CREATE TABLE tickets (
    tenant TEXT NOT NULL, id TEXT NOT NULL, sender TEXT NOT NULL, subject TEXT NOT NULL,
    body TEXT NOT NULL, received TEXT NOT NULL, message_id TEXT NOT NULL,
    PRIMARY KEY (tenant, id), UNIQUE (tenant, message_id)
) STRICT;
-- A refund goes back by the way the payment came: there is no column for another account.
CREATE TABLE refunds (
    id INTEGER PRIMARY KEY, tenant TEXT NOT NULL, order_id TEXT NOT NULL, ticket TEXT NOT NULL,
    amount_cents INTEGER NOT NULL CHECK (amount_cents > 0), reason TEXT NOT NULL,
    agreed_by TEXT NOT NULL, key TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'booked' CHECK (state IN ('booked', 'cancelled')),
    UNIQUE (tenant, key), FOREIGN KEY (tenant, order_id) REFERENCES orders (tenant, id)
) STRICT;
CREATE TABLE articles (
    tenant TEXT NOT NULL, topic TEXT NOT NULL, language TEXT NOT NULL, text TEXT NOT NULL,
    PRIMARY KEY (tenant, topic, language)
) STRICT;
