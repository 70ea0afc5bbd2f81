/** Must not compile: shows that the other programs are checked against the declarations. */

import { Database } from 'settee';

new Database('travel').opne();
