//! The languages of users' texts: Swedish first, English by request.
